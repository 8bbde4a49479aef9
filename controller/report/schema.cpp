// SPDX-License-Identifier: GPL-2.0
#include "report/schema.h"

#include <algorithm>

#include "report/embedded.h"

namespace raceless {

namespace {

using nlohmann::json;

bool has_type(const json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "integer") return value.is_number_integer();
  return type == "boolean" && value.is_boolean();
}

class Check {
 public:
  explicit Check(const json& root) : root_(root) {}

  [[nodiscard]] std::vector<std::string> errors() && { return std::move(errors_); }

  void check(const json& value, const json& schema, const std::string& path) {
    if (schema.contains("$ref")) {
      const auto reference = schema["$ref"].get<std::string>();
      return check(value, root_.at(json::json_pointer(reference.substr(1))), path);
    }
    if (schema.contains("const") && value != schema["const"]) error(path, "is not the constant");
    if (schema.contains("enum") && std::ranges::find(schema["enum"], value) == schema["enum"].end())
      error(path, "is none of the values");
    if (schema.contains("type") && !has_type(value, schema["type"]))
      return error(path, "is not of type " + schema["type"].get<std::string>());
    if (value.is_object()) check_object(value, schema, path);
    if (value.is_array()) check_array(value, schema, path);
    if (schema.contains("minimum") && value < schema["minimum"]) error(path, "is too small");
    if (schema.contains("maximum") && value > schema["maximum"]) error(path, "is too large");
  }

 private:
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

  const json& root_;
  std::vector<std::string> errors_;
};

}  // namespace

Schema Schema::of_run() { return Schema(json::parse(embedded_run_schema())); }

std::vector<std::string> Schema::errors(const json& value) const {
  Check check(root_);
  check.check(value, root_, "$");
  return std::move(check).errors();
}

}  // namespace raceless
