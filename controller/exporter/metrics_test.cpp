// SPDX-License-Identifier: GPL-2.0
#include "exporter/metrics.h"

#include <gtest/gtest.h>

namespace raceless {
namespace {

Numbers numbers() {
  Numbers all;
  ModuleNumbers& kcm = all.modules["kcm"];
  kcm.loads = {{"ok", 5}, {"EBUSY", 3}};
  kcm.failed_gets[{"going", "sock_create"}] = 6;
  kcm.failed_gets[{"going", "0xffffffffc0123456"}] = 1;
  kcm.failed_gets[{"going", "0xffffffffc0456789"}] = 2;
  kcm.failed_calls[{"socket", "EAFNOSUPPORT", "still_registered"}] = 7;
  kcm.load_ns.record(1023);
  kcm.load_ns.record(1024);
  kcm.grace_ns["free_module"].record(12'000'000);
  kcm.grace_ns["0xffffffffc0123456"].record(12'000'000);
  kcm.grace_ns["0xffffffffc0456789"].record(12'000'000);
  all.requests = 11;
  all.registry = true;
  all.registry_counters = {{"publishes", 3}, {"to_live", 4}, {"broken_3", 0}};
  all.registry_histograms["drain_ns"].record(5000);
  all.drops = {{"events", 2}};
  return all;
}

void expect_lines(const std::string& text, const std::vector<std::string>& lines) {
  for (const std::string& line : lines)
    EXPECT_NE(("\n" + text).find("\n" + line + "\n"), std::string::npos) << line << "\n" << text;
}

TEST(Metrics, OpenMetricsHasCountersWithTheirSuffixAndAnEnd) {
  const std::string text = to_open_metrics(make_metrics(numbers(), 1));
  expect_lines(
      text,
      {"# TYPE raceless_module_loads counter",
       R"(raceless_module_loads_total{module="kcm",result="EBUSY"} 3)",
       R"(raceless_module_get_failures_total{module="kcm",reason="going",caller="sock_create"} 6)",
       R"(raceless_module_get_failures_total{module="kcm",reason="going",caller="unknown"} 3)",
       R"(raceless_module_call_failures_total{module="kcm",call="socket",error="EAFNOSUPPORT",cause="still_registered"} 7)",
       "raceless_module_requests_total 11",
       R"(raceless_registry_transitions_total{state="live"} 4)",
       R"(raceless_registry_broken_promises_total{promise="3"} 0)",
       "raceless_registry_publishes_total 3", R"(raceless_trace_dropped_total{kind="events"} 2)",
       "# TYPE raceless_trace_missing_programs gauge", "raceless_trace_missing_programs 1"});
  EXPECT_TRUE(text.ends_with("\n# EOF\n"));
}

TEST(Metrics, HistogramsAreExactAtTheirBounds) {
  const std::string text = to_open_metrics(make_metrics(numbers(), 0));
  expect_lines(text,
               {"# TYPE raceless_module_load_seconds histogram",
                R"(raceless_module_load_seconds_bucket{module="kcm",le="1.023e-06"} 1)",
                R"(raceless_module_load_seconds_bucket{module="kcm",le="2.047e-06"} 2)",
                R"(raceless_module_load_seconds_bucket{module="kcm",le="68.719476735"} 2)",
                R"(raceless_module_load_seconds_bucket{module="kcm",le="+Inf"} 2)",
                R"(raceless_module_load_seconds_count{module="kcm"} 2)",
                R"(raceless_module_rcu_wait_seconds_count{module="kcm",caller="free_module"} 1)",
                R"(raceless_module_rcu_wait_seconds_count{module="kcm",caller="unknown"} 2)",
                "raceless_registry_drain_seconds_count 1"});
}

TEST(Metrics, ValuesBeyondTheLastBoundAreInTheInfiniteOneAlone) {
  Numbers all;
  all.modules["slow"].load_ns.record(uint64_t{1} << 41);
  expect_lines(to_open_metrics(make_metrics(all, 0)),
               {R"(raceless_module_load_seconds_bucket{module="slow",le="68.719476735"} 0)",
                R"(raceless_module_load_seconds_bucket{module="slow",le="+Inf"} 1)"});
}

TEST(Metrics, TheOlderFormatHasNoEndAndTheSameNumbers) {
  const std::string text = to_prometheus_text(make_metrics(numbers(), 0));
  expect_lines(text, {"# TYPE raceless_module_loads_total counter",
                      R"(raceless_module_loads_total{module="kcm",result="EBUSY"} 3)",
                      R"(raceless_module_load_seconds_count{module="kcm"} 2)"});
  EXPECT_EQ(text.find("# EOF"), std::string::npos);
}

TEST(Metrics, HostileNamesAreEscaped) {
  Numbers all;
  all.modules["a\"b\\c\nd"].loads = {{"ok", 1}};
  expect_lines(to_open_metrics(make_metrics(all, 0)),
               {R"(raceless_module_loads_total{module="a\"b\\c\nd",result="ok"} 1)"});
}

// Prometheus refuses all of a scrape that is not UTF-8.
TEST(Metrics, NamesThatAreNotUtf8AreMadeSo) {
  Numbers all;
  all.modules["a\xff"].loads = {{"ok", 1}};
  all.modules["a\xfe"].loads = {{"ok", 2}};
  all.modules["a\xff"].load_ns.record(1);
  for (const std::string& text :
       {to_open_metrics(make_metrics(all, 0)), to_prometheus_text(make_metrics(all, 0))})
    expect_lines(text, {R"(raceless_module_loads_total{module="a\\xff",result="ok"} 1)",
                        R"(raceless_module_loads_total{module="a\\xfe",result="ok"} 2)",
                        R"(raceless_module_load_seconds_count{module="a\\xff"} 1)"});
}

}  // namespace
}  // namespace raceless
