// SPDX-License-Identifier: GPL-2.0
#include "audit/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace raceless {

bool Number::agrees() const {
  return std::ranges::all_of(readings, [this](const Reading& reading) {
    return reading.value && reading.value == readings.front().value;
  });
}

std::string Number::text() const {
  std::string text = name + ":";
  for (const Reading& reading : readings) {
    text += fmt::format("{} {} ", &reading == &readings.front() ? "" : ",", reading.source);
    text += reading.value ? std::to_string(*reading.value) : "says nothing";
  }
  return text;
}

void Comparison::add(const std::string& name, std::vector<Reading> readings) {
  numbers_.push_back({full(name), std::move(readings)});
}

void Comparison::skip(const std::string& name, const std::string& why) {
  skipped_.emplace_back(full(name), why);
}

std::string Comparison::full(const std::string& name) const {
  return title_.empty() ? name : title_ + ": " + name;
}

const Number* Comparison::disagreement() const {
  const auto found =
      std::ranges::find_if(numbers_, [](const Number& number) { return !number.agrees(); });
  return found == numbers_.end() ? nullptr : &*found;
}

std::string Comparison::summary() const {
  const Number* first = disagreement();
  if (first == nullptr)
    return fmt::format("agree: {} numbers compared", numbers_.size()) +
           (skipped_.empty() ? "" : fmt::format(", {} skipped", skipped_.size()));
  const auto others =
      std::ranges::count_if(numbers_, [](const Number& number) { return !number.agrees(); }) - 1;
  return "numbers disagree: " + first->text() +
         (others > 0 ? fmt::format("; and {} more", others) : "");
}

nlohmann::json Comparison::to_json() const {
  nlohmann::json numbers = nlohmann::json::array();
  for (const Number& number : numbers_) {
    nlohmann::json readings = nlohmann::json::object();
    for (const Reading& reading : number.readings)
      readings[reading.source] =
          reading.value ? nlohmann::json(*reading.value) : nlohmann::json(nullptr);
    numbers.push_back(
        {{"number", number.name}, {"agrees", number.agrees()}, {"readings", std::move(readings)}});
  }
  for (const auto& [name, why] : skipped_) numbers.push_back({{"number", name}, {"skipped", why}});
  return numbers;
}

}  // namespace raceless
