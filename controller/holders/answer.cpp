// SPDX-License-Identifier: GPL-2.0
#include "holders/answer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <string_view>

#include "duration.h"
#include "printable.h"

namespace raceless {

namespace {

// A crowd of users is told by its first ones and a number; --json has all.
constexpr size_t kShownUsers = 8;

constexpr const char* kUncertain =
    "gets without a put; uncertain, as a put does not say which get it undoes:\n";

std::string task_text(const TaskName& task) {
  const std::string thread =
      task.tid == task.pid ? std::string() : fmt::format(" thread {}", task.tid);
  return fmt::format("{}[{}]{}{}", printable(task.comm), task.pid, thread,
                     task.alive ? "" : " (exited)");
}

std::string counted(uint64_t count, std::string_view one) {
  return fmt::format("{} {}{}", count, one, count == 1 ? "" : "s");
}

std::string user_text(const HolderUser& user) {
  return fmt::format("{}[{}] {}{}", printable(user.comm), user.pid, user.how,
                     user.path.empty() ? "" : " " + printable(user.path));
}

std::string holder_text(const Holder& holder) {
  std::string text =
      fmt::format("  {:>3}  {}: {}\n", holder.references, holder.kind, printable(holder.what));
  size_t shown = 0;
  for (const HolderUser& user : holder.users) {
    if (shown++ == kShownUsers) {
      text += fmt::format("         and {} more\n", holder.users.size() - kShownUsers);
      break;
    }
    text += fmt::format("         by {}\n", user_text(user));
  }
  return text + fmt::format("         -> {}\n", printable(holder.remedy));
}

std::string stack_text(const std::vector<std::string>& stack) {
  std::string text;
  for (const std::string& frame : stack) text += "         " + printable(frame) + "\n";
  return text;
}

std::string candidate_text(const Candidate& candidate) {
  std::vector<std::string> takers;
  for (const TaskName& taker : candidate.takers) {
    if (takers.size() == kShownUsers) {
      takers.push_back(fmt::format("and {} more", candidate.takers.size() - kShownUsers));
      break;
    }
    takers.push_back(task_text(taker));
  }
  return fmt::format("  {:>3}  by {}; {}{} ago{}\n{}", candidate.count, fmt::join(takers, ", "),
                     candidate.count > 1 ? "the oldest " : "", format_duration(candidate.oldest_ns),
                     candidate.named ? "; likely one of those named above" : "",
                     stack_text(candidate.stack));
}

std::string recording_text(const Recording& recording) {
  std::string text = fmt::format("recorded for {}: {}, {}", format_duration(recording.duration_ns),
                                 counted(recording.gets, "get"), counted(recording.puts, "put"));
  if (recording.puts_of_earlier > 0)
    text += fmt::format(", {} of them of earlier gets", recording.puts_of_earlier);
  text +=
      recording.lost == 0
          ? "; none lost\n"
          : fmt::format("; {} lost, so that some of what follows may be wrong\n", recording.lost);
  if (recording.candidates.empty()) return text + "no get without a put\n";
  text += kUncertain;
  for (const Candidate& candidate : recording.candidates) text += candidate_text(candidate);
  return text;
}

nlohmann::json task_json(const TaskName& task) {
  return {{"pid", task.pid}, {"tid", task.tid}, {"comm", task.comm}, {"alive", task.alive}};
}

nlohmann::json holder_json(const Holder& holder) {
  nlohmann::json users = nlohmann::json::array();
  for (const HolderUser& user : holder.users)
    users.push_back(
        {{"pid", user.pid}, {"comm", user.comm}, {"how", user.how}, {"path", user.path}});
  return {{"kind", holder.kind},   {"what", holder.what},       {"references", holder.references},
          {"parts", holder.parts}, {"users", std::move(users)}, {"remedy", holder.remedy}};
}

nlohmann::json recording_json(const Recording& recording) {
  nlohmann::json candidates = nlohmann::json::array();
  for (const Candidate& candidate : recording.candidates) {
    nlohmann::json takers = nlohmann::json::array();
    for (const TaskName& taker : candidate.takers) takers.push_back(task_json(taker));
    candidates.push_back({{"count", candidate.count},
                          {"stack", candidate.stack},
                          {"takers", std::move(takers)},
                          {"oldest_ns", candidate.oldest_ns},
                          {"likely_named", candidate.named}});
  }
  return {{"duration_ns", recording.duration_ns},
          {"gets", recording.gets},
          {"puts", recording.puts},
          {"puts_of_earlier", recording.puts_of_earlier},
          {"lost", recording.lost},
          {"candidates", std::move(candidates)}};
}

// What the difference means.
std::string rest_text(const Answer& answer) {
  const long unknown = answer.unknown();
  if (answer.changing) return "the count changed while we looked: ask again\n";
  if (unknown < 0) return "more were named than there are: some went while we looked; ask again\n";
  if (unknown == 0) return "";
  std::string text = fmt::format("{} unknown: taken by the kernel's own code, ", unknown);
  text += "for something that is not looked at (docs/holders.md), or never put\n";
  if (!answer.recording)
    text += fmt::format("         -> raceless holders {} --record, while they are taken\n",
                        answer.module);
  return text;
}

}  // namespace

long Answer::named() const {
  uint64_t sum = 0;
  for (const Holder& holder : holders) sum += holder.references;
  return static_cast<long>(sum);
}

std::string Answer::text() const {
  std::string text = module;
  if (!providers.empty()) text += fmt::format(" (provides {})", fmt::join(providers, ", "));
  if (!references)
    text += ": its exit has begun: there are no references to wait for any more\n";
  else if (*references == 0 && holders.empty())
    text += ": no references\n";
  else
    text +=
        fmt::format(": {} = {} named + {} unknown\n",
                    counted(static_cast<uint64_t>(*references), "reference"), named(), unknown());
  for (const Holder& holder : holders) text += holder_text(holder);
  if (references) text += rest_text(*this);
  if (!runners.empty()) {
    text += "tasks that are in it now, with references or without:\n";
    for (const Runner& runner : runners)
      text += fmt::format("       {}\n{}", task_text(runner.task), stack_text(runner.stack));
  }
  if (recording) text += recording_text(*recording);
  for (const std::string& what : missing) text += fmt::format("not seen: {}\n", what);
  return text;
}

nlohmann::json Answer::json() const {
  nlohmann::json held = nlohmann::json::array();
  for (const Holder& holder : holders) held.push_back(holder_json(holder));
  nlohmann::json inside = nlohmann::json::array();
  for (const Runner& runner : runners)
    inside.push_back({{"task", task_json(runner.task)}, {"stack", runner.stack}});
  nlohmann::json all = {
      {"schema", 1},           {"module", module},           {"providers", providers},
      {"references", nullptr}, {"named", named()},           {"unknown", nullptr},
      {"changing", changing},  {"holders", std::move(held)}, {"runners", std::move(inside)},
      {"recording", nullptr},  {"missing", missing},         {"elapsed_ns", elapsed_ns}};
  if (references) {
    all["references"] = *references;
    all["unknown"] = unknown();
  }
  if (recording) all["recording"] = recording_json(*recording);
  return all;
}

}  // namespace raceless
