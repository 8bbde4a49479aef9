// SPDX-License-Identifier: GPL-2.0
// What this kernel and this user can do: questions with yes or no, and a remedy for each no.
//
// Reads only, needs no privileges, and looks below `root`, so that a test can bring a machine of
// its own.
#ifndef RACELESS_CONTROLLER_DOCTOR_H
#define RACELESS_CONTROLLER_DOCTOR_H

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace raceless {

struct Check {
  std::string name;  // stable, for programs: "kernel_btf"
  std::string question;
  bool yes = false;
  std::string detail;  // what was found
  std::string remedy;  // what to do about a no
};

struct Diagnosis {
  std::vector<Check> checks;
  // What follows from the checks: "storm_stock", "trace", "gate", …. The detail of a no
  // names the checks that stand in its way.
  std::vector<Check> abilities;
};

[[nodiscard]] Diagnosis diagnose(const std::string& root = "");

[[nodiscard]] nlohmann::json diagnosis_json(const Diagnosis& diagnosis);
[[nodiscard]] std::string diagnosis_text(const Diagnosis& diagnosis);

}  // namespace raceless

#endif
