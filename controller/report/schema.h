// SPDX-License-Identifier: GPL-2.0
// Checks JSON against a schema: the part of JSON Schema that docs/run-schema.json uses.
#ifndef RACELESS_CONTROLLER_REPORT_SCHEMA_H
#define RACELESS_CONTROLLER_REPORT_SCHEMA_H

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace raceless {

class Schema {
 public:
  explicit Schema(nlohmann::json schema) : root_(std::move(schema)) {}
  // That of run.json.
  [[nodiscard]] static Schema of_run();

  // "$.context lacks vcpus", …; empty if the value fits.
  [[nodiscard]] std::vector<std::string> errors(const nlohmann::json& value) const;

 private:
  nlohmann::json root_;
};

}  // namespace raceless

#endif
