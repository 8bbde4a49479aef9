// SPDX-License-Identifier: GPL-2.0
// Numbers that several sources tell, and whether they tell the same.
#ifndef RACELESS_CONTROLLER_AUDIT_COMPARISON_H
#define RACELESS_CONTROLLER_AUDIT_COMPARISON_H

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace raceless {

// What one source says. Nothing: it should, and does not, which agrees with nobody.
struct Reading {
  std::string source;
  std::optional<std::uint64_t> value;
};

struct Number {
  std::string name;
  std::vector<Reading> readings;

  [[nodiscard]] bool agrees() const;
  // "gets: /proc/raceless 1231, tracepoints 1230"
  [[nodiscard]] std::string text() const;
};

class Comparison {
 public:
  // Of which load, run or case the numbers are that are added from now on: "storm codec".
  void begin(std::string title) { title_ = std::move(title); }
  void add(const std::string& name, std::vector<Reading> readings);
  // What cannot be compared this time. It is told, and never in the way.
  void skip(const std::string& name, const std::string& why);

  [[nodiscard]] const std::vector<Number>& numbers() const { return numbers_; }
  [[nodiscard]] const Number* disagreement() const;
  // "agree: 97 numbers compared", or "numbers disagree: " with the first that does, and how many.
  [[nodiscard]] std::string summary() const;
  [[nodiscard]] nlohmann::json to_json() const;

 private:
  std::string title_;
  [[nodiscard]] std::string full(const std::string& name) const;

  std::vector<Number> numbers_;
  std::vector<std::pair<std::string, std::string>> skipped_;
};

}  // namespace raceless

#endif
