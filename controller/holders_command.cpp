// SPDX-License-Identifier: GPL-2.0
// raceless holders
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "command.h"
#include "duration_option.h"
#include "holders/survey.h"
#include "trace/module_names.h"

namespace raceless {

namespace {

struct Asked {
  std::string name;
  bool record = false;
  bool json = false;
  uint64_t duration_ns = 0;
};

Outcome say(const Error& error, Outcome outcome) {
  fmt::print(stderr, "raceless: {}\n", error.message());
  return outcome;
}

Status record(Survey& survey, const Asked& asked, const std::string& module) {
  const Result<Signals> signals = Signals::catch_all();
  if (!signals) return tl::unexpected(signals.error());
  return survey.record(*signals, asked.duration_ns, [&module] {
    fmt::print(stderr, "raceless: recording gets and puts of {}; Ctrl-C ends it\n", module);
  });
}

Outcome run(const Asked& asked) {
  if (asked.duration_ns > 0 && !asked.record)
    return say({0, "--duration is how long to record; it needs --record"}, Outcome::usage);
  AliasNames aliases;
  Result<Subject> subject = find_subject(
      asked.name, {[&aliases](const std::string& name) { return aliases.module_of(name); },
                   [&aliases](const std::string& module) { return aliases.is_known(module); }});
  if (!subject) return say(subject.error(), Outcome::usage);
  const std::string module = subject->module;
  const Result<std::unique_ptr<Survey>> survey = Survey::open(std::move(*subject), asked.record);
  if (!survey) return say(survey.error(), Outcome::cannot_run);
  if (asked.record) {
    if (Status recorded = record(**survey, asked, module); !recorded)
      return say(recorded.error(), Outcome::cannot_run);
  }
  const Result<Answer> answer = (*survey)->answer();
  if (!answer) return say(answer.error(), Outcome::cannot_run);
  // Names and paths need not be UTF-8.
  if (asked.json)
    fmt::print("{}\n",
               answer->json().dump(1, '\t', false, nlohmann::json::error_handler_t::replace));
  else
    fmt::print("{}", answer->text());
  return Outcome::passed;
}

}  // namespace

RunCommand add_holders(CLI::App& app) {
  auto asked = std::make_shared<Asked>();
  app.add_option("MODULE|PROVIDER", asked->name,
                 "who holds it? A loaded module, or what one provides")
      ->required();
  app.add_flag("--record", asked->record,
               "first record gets and puts; those without a put are shown with their stacks");
  add_duration(
      app, "-d,--duration", "with --record: for so long (until Ctrl-C)",
      [asked](uint64_t ns) { asked->duration_ns = ns; }, "");
  app.add_flag("--json", asked->json, "for programs");
  app.footer(
      "Works on any kernel from 6.1 on with BTF, without raceless.ko, and needs root. What the\n"
      "kernel's own data tell is named, with what to do about it; the difference to the reference\n"
      "count is said. It takes no reference itself. docs/holders.md explains what is shown.");
  return [asked] { return run(*asked); };
}

}  // namespace raceless
