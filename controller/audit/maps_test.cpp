// SPDX-License-Identifier: GPL-2.0
// Maps in the words of bpftool, made to fit a run.json, and then with one number off.
#include "audit/maps.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "audit/run_file.h"
#include "device.h"
#include "histogram.h"

namespace raceless {
namespace {

using nlohmann::json;

json entry(std::uint32_t key, const json& value) {
  json bytes = json::array();
  for (int i = 0; i < 4; i++) bytes.push_back(fmt::format("0x{:02x}", key >> (8 * i) & 0xff));
  return {
      {"key", bytes}, {"value", json::array()}, {"formatted", {{"key", key}, {"value", value}}}};
}

class MapsTest : public testing::Test {
 protected:
  [[nodiscard]] Comparison compare() const {
    Comparison comparison;
    const Status compared = compare_maps(
        run_,
        [this](const std::string& map) -> Result<json> {
          if (map == gone_) return fail(ENOENT, "no such map");
          json dump = of(map);
          if (map == off_) {
            json& value = dump[0]["formatted"]["value"];
            json& number = value.is_object() ? value[value.begin().key()] : value;
            (number.is_array() ? number[3] : number) = 4711U;
          }
          return dump;
        },
        comparison);
    EXPECT_EQ(compared.has_value(), gone_.empty());
    return comparison;
  }

  [[nodiscard]] json of(const std::string& map) const {
    const json& counters = run_["tracing"]["counters"];
    if (map.ends_with("_ns")) return json::array({entry(0, histogram(map))});
    if (map == "totals") return json::array({entry(0, {{"waits", counters["waits"]}})});
    if (map == "module_totals")
      return json::array({entry(0, {{"loads", counters["module_loads"]}})});
    if (map == "transitions") return json::array({entry(2, counters["to_live"])});
    if (map == "get_reasons") return json::array({entry(4, counters["get_failures_timeout"])});
    if (map == "broken") return json::array({entry(3, counters["broken_3"])});
    std::uint64_t all = 0;
    for (const auto& [name, value] : counters.items())
      if (name.starts_with(map + "_")) all += value.get<std::uint64_t>();
    return json::array({entry(0, all)});
  }

  [[nodiscard]] json histogram(const std::string& map) const {
    const json& all = run_["histograms"];
    const json& said = all.contains("traced_" + map) ? all["traced_" + map] : all[map];
    json buckets(RACELESS_HIST_BUCKETS, 0U);
    for (const json& bucket : said["buckets"])
      buckets[raceless_hist_bucket(bucket[0].get<std::uint64_t>())] = bucket[1];
    return {
        {"count", said["count"]}, {"sum", said["sum"]}, {"max", said["max"]}, {"buckets", buckets}};
  }

  json run_ = read_run(RACELESS_SOURCE_DIR "/controller/audit/fixtures/run.json").value();
  std::string off_;
  std::string gone_;
};

TEST_F(MapsTest, AgreeWithTheRun) {
  const Comparison comparison = compare();
  EXPECT_EQ(comparison.disagreement(), nullptr) << comparison.summary();
  EXPECT_EQ(comparison.numbers().size(), 11U * 4 + 7);
}

TEST_F(MapsTest, EachMapCounts) {
  for (const char* map : {"grace_ns", "reload_wait_ns", "totals", "module_totals", "transitions",
                          "get_reasons", "broken", "load_results", "unload_results"}) {
    off_ = map;
    const Comparison comparison = compare();
    ASSERT_NE(comparison.disagreement(), nullptr) << map;
    EXPECT_NE(comparison.disagreement()->name.find(map), std::string::npos);
  }
}

TEST_F(MapsTest, AMapThatIsNotThereIsAnError) {
  gone_ = "totals";
  (void)compare();
}

}  // namespace
}  // namespace raceless
