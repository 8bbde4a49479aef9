// SPDX-License-Identifier: GPL-2.0
// run.json against its schema: the part of JSON Schema that docs/run-schema.json uses.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "storm/report.h"
#include "text_file.h"

namespace raceless {
namespace {

using nlohmann::json;

class Validator {
 public:
  explicit Validator(json schema) : root_(std::move(schema)) {}

  std::vector<std::string> errors(const json& value) {
    errors_.clear();
    check(value, root_, "$");
    return errors_;
  }

 private:
  void check(const json& value, const json& schema, const std::string& path) {
    if (schema.contains("$ref")) {
      const auto reference = schema["$ref"].get<std::string>();
      return check(value, root_.at(json::json_pointer(reference.substr(1))), path);
    }
    if (schema.contains("const") && value != schema["const"]) error(path, "is not the constant");
    if (schema.contains("enum") &&
        std::find(schema["enum"].begin(), schema["enum"].end(), value) == schema["enum"].end())
      error(path, "is none of the values");
    if (schema.contains("type") && !has_type(value, schema["type"]))
      return error(path, "is not of type " + schema["type"].get<std::string>());
    if (value.is_object()) check_object(value, schema, path);
    if (value.is_array()) check_array(value, schema, path);
    if (schema.contains("minimum") && value < schema["minimum"]) error(path, "is too small");
    if (schema.contains("maximum") && value > schema["maximum"]) error(path, "is too large");
  }

  static bool has_type(const json& value, const std::string& type) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "integer") return value.is_number_integer();
    return type == "boolean" && value.is_boolean();
  }

  void check_object(const json& value, const json& schema, const std::string& path) {
    for (const json& name : schema.value("required", json::array()))
      if (!value.contains(name.get<std::string>())) error(path, "lacks " + name.dump());
    const json properties = schema.value("properties", json::object());
    const json additional = schema.value("additionalProperties", json(true));
    for (const auto& [name, member] : value.items()) {
      std::string inner = path;
      inner.append(".").append(name);
      if (properties.contains(name))
        check(member, properties[name], inner);
      else if (additional.is_object())
        check(member, additional, inner);
      else if (additional == false)
        error(inner, "is not in the schema");
    }
  }

  void check_array(const json& value, const json& schema, const std::string& path) {
    if (value.size() < schema.value("minItems", 0U)) error(path, "is too short");
    if (value.size() > schema.value("maxItems", SIZE_MAX)) error(path, "is too long");
    for (size_t i = 0; i < value.size() && schema.contains("items"); i++)
      check(value[i], schema["items"], path + "[" + std::to_string(i) + "]");
  }

  void error(const std::string& path, const std::string& what) {
    errors_.push_back(path + " " + what);
  }

  json root_;
  std::vector<std::string> errors_;
};

Validator load_validator() {
  const Result<std::string> text = read_text(RACELESS_SOURCE_DIR "/docs/run-schema.json");
  return Validator(json::parse(text.value()));
}

json example() {
  StormResult result;
  result.tally.add(Count::gets);
  result.tally.add(Breakdown::get_failures_by_reason, "flight");
  result.tally.add(Breakdown::user_failures_by_cause, "load_busy");
  result.tally.record(Latency::get, 12345);
  result.findings.push_back({3, "a get failed", 17, "consumer-0", 4});
  result.nr_findings = 1;
  result.extra_counters["registry_flights"] = 2;
  result.series.push_back({});
  Snapshot snapshot;
  snapshot.histograms["grace_ns"].count = 1;
  snapshot.histograms["grace_ns"].buckets[5] = 1;
  snapshot.histograms["load_ns"] = {};
  snapshot.counters["publishes"] = 3;
  snapshot.drops["events"] = 0;
  result.snapshot = snapshot;
  const Context context{"6.12", "tcg", "abc", 4, "2026-01-01T00:00:00Z"};
  Parameters parameters;
  parameters.target = "codec";
  return run_json(context, parameters, result);
}

TEST(RunJson, FitsItsSchema) {
  Validator validator = load_validator();
  EXPECT_EQ(validator.errors(example()), std::vector<std::string>{});
}

TEST(RunJson, TheSchemaRejectsWhatIsWrong) {
  Validator validator = load_validator();
  for (const char* pointer : {"/schema", "/verdict/result", "/counters/gets", "/series/0/time_ms",
                              "/histograms/grace_ns/buckets/0", "/context/vcpus"}) {
    json broken = example();
    broken[json::json_pointer(pointer)] = "wrong";
    EXPECT_FALSE(validator.errors(broken).empty()) << pointer;
  }
  for (const char* name : {"verdict", "counters", "drops"}) {
    json broken = example();
    broken.erase(name);
    EXPECT_FALSE(validator.errors(broken).empty()) << name;
  }
  json more = example();
  more["verdict"]["surprise"] = 1;
  EXPECT_FALSE(validator.errors(more).empty());
  json cause = example();
  cause["counters"]["user_failures_by_cause"]["weather"] = 1;
  EXPECT_FALSE(validator.errors(cause).empty());
}

TEST(RunJson, TheFileHoldsTheSame) {
  json run = example();
  EXPECT_EQ(json::parse(run_text(run)), run);
  run["verdict"]["broken"][0]["what"] = "not UTF-8: \xff";
  EXPECT_TRUE(json::accept(run_text(run)));
}

TEST(RunJson, StableNamesAreThere) {
  const json run = example();
  EXPECT_EQ(run["verdict"]["result"], "fail");
  for (const char* name : {"gets", "get_failures", "loads", "unloads", "reloads", "user_failures"})
    EXPECT_TRUE(run["counters"].contains(name)) << name;
}

TEST(RunJson, TracingReplacesTheHistogramsThatItSawMoreOf) {
  const json run = example();
  EXPECT_EQ(run["histograms"]["grace_ns"]["count"], 1);
  EXPECT_TRUE(run["histograms"].contains("traced_load_ns"));
  EXPECT_EQ(run["histograms"]["get_ns"]["count"], 1);
}

}  // namespace
}  // namespace raceless
