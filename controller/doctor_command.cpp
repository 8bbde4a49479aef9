// SPDX-License-Identifier: GPL-2.0
// raceless doctor
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "command.h"
#include "doctor.h"
#include "terminal.h"

namespace raceless {

namespace {

nlohmann::json check_json(const Check& check) {
  return {{"name", check.name},
          {"question", check.question},
          {"yes", check.yes},
          {"detail", check.detail},
          {"remedy", check.yes ? "" : check.remedy}};
}

std::string answer(bool yes) {
  return yes ? paint("yes", Color::green, stdout) : paint("no ", Color::red, stdout);
}

// The answer comes first: its colour must not count as width.
std::string lines(const std::vector<Check>& checks) {
  std::string text;
  for (const Check& check : checks) {
    text += fmt::format("{}  {}", answer(check.yes), check.question);
    if (!check.detail.empty()) text += fmt::format(" ({})", check.detail);
    text += "\n";
    if (!check.yes && !check.remedy.empty()) text += fmt::format("     -> {}\n", check.remedy);
  }
  return text;
}

}  // namespace

nlohmann::json diagnosis_json(const Diagnosis& diagnosis) {
  nlohmann::json checks = nlohmann::json::array();
  for (const Check& check : diagnosis.checks) checks.push_back(check_json(check));
  nlohmann::json abilities = nlohmann::json::array();
  for (const Check& ability : diagnosis.abilities) abilities.push_back(check_json(ability));
  return {{"schema", 1}, {"checks", std::move(checks)}, {"abilities", std::move(abilities)}};
}

std::string diagnosis_text(const Diagnosis& diagnosis) {
  return lines(diagnosis.checks) + "\nSo this user, on this kernel, can\n" +
         lines(diagnosis.abilities);
}

RunCommand add_doctor(CLI::App& app) {
  struct Options {
    bool json = false;
    std::string root;
  };
  auto options = std::make_shared<Options>();
  app.add_flag("--json", options->json, "for programs");
  app.add_option("--root", options->root, "examine the /proc, /sys and /dev below this folder")
      ->check(CLI::ExistingDirectory);
  app.footer("Exits with 0, whatever the answers are; --json has them for programs.");
  return [options] {
    const Diagnosis diagnosis = diagnose(options->root);
    if (options->json)
      fmt::print("{}\n", diagnosis_json(diagnosis).dump(1, '\t'));
    else
      fmt::print("{}", diagnosis_text(diagnosis));
    return Outcome::passed;
  };
}

}  // namespace raceless
