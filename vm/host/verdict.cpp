// SPDX-License-Identifier: GPL-2.0
#include "verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "../wire.h"

namespace raceless::vm {
namespace {

constexpr std::uint64_t warning_taint = 1u << 9;

constexpr std::array<std::pair<const char*, Verdict>, 6> verdicts = {{
    {"PASS", Verdict::Pass},
    {"FAIL", Verdict::Fail},
    {"SPLAT", Verdict::Splat},
    {"PANIC", Verdict::Panic},
    {"TIMEOUT", Verdict::Timeout},
    {"INFRA", Verdict::Infra},
}};

// Letters and meanings in the order of the bits (Documentation/admin-guide/tainted-kernels.rst).
constexpr std::array<std::pair<char, const char*>, 19> taints = {{
    {'P', "a proprietary module"},
    {'F', "a forced module load"},
    {'S', "a CPU out of specification"},
    {'R', "a forced module unload"},
    {'M', "a machine check"},
    {'B', "a bad page or a slab error"},
    {'U', "user space's request"},
    {'D', "an oops or BUG"},
    {'A', "an ACPI override"},
    {'W', "a warning"},
    {'C', "a staging driver"},
    {'I', "a firmware workaround"},
    {'O', "an out-of-tree module"},
    {'E', "an unsigned module"},
    {'L', "a soft lockup"},
    {'K', "a live patch"},
    {'X', "the distribution's mark"},
    {'T', "randomised structures"},
    {'N', "an in-kernel test"},
}};

bool deadly(const Splat& s) { return s.which == SplatClass::Panic; }

// What killed the machine: the first complaint, and the panic when that is another line.
std::string death(const std::vector<Splat>& splats) {
  auto panic = std::find_if(splats.begin(), splats.end(), deadly);
  const Splat& first = splats.front();
  if (panic == splats.begin() || panic == splats.end()) return first.describe();
  return first.describe() + "; " + panic->text;
}

std::string guest_vanished(const Evidence& seen) {
  if (seen.qemu_status > 128) return fmt::format("QEMU died of signal {}", seen.qemu_status - 128);
  std::string how = seen.shutdown == "guest-shutdown" ? "switched itself off"
                    : seen.shutdown == "guest-reset"
                        ? "reset itself, or died of a triple fault,"
                        : fmt::format("went away (QEMU exit {})", seen.qemu_status);
  return fmt::format("the guest {} without its end record; last on the console: {}", how,
                     seen.last_words.empty() ? "nothing" : seen.last_words);
}

// The flood itself, and what may have caused it.
std::string flood(const Evidence& seen) {
  std::string text = "a flood of messages on the console, " + seen.most_said;
  return seen.splats.empty() ? text : text + "; first: " + seen.splats.front().describe();
}

std::string others_bugs(const std::map<std::string, unsigned>& reports) {
  std::string text;
  for (const auto& [report, times] : reports)
    text += fmt::format("{}{} ({} times)", text.empty() ? "; not ours: " : ", ", report, times);
  return text;
}

}  // namespace

const char* name_of(Verdict verdict) {
  for (const auto& [text, known] : verdicts)
    if (known == verdict) return text;
  return "?";
}

std::optional<Verdict> verdict_named(std::string_view name) {
  for (const auto& [text, known] : verdicts)
    if (name == text) return known;
  return std::nullopt;
}

std::string describe_taint(std::uint64_t taint) {
  std::string text;
  for (std::size_t bit = 0; bit < 64; ++bit) {
    if (!(taint >> bit & 1)) continue;
    if (!text.empty()) text += ", ";
    text += bit < taints.size() ? fmt::format("{} ({})", taints[bit].first, taints[bit].second)
                                : fmt::format("bit {}", bit);
  }
  return text;
}

Judgement judge(const Evidence& seen) {
  if (!seen.broken_host.empty()) return {Verdict::Infra, seen.broken_host};
  if (seen.interrupted) return {Verdict::Infra, "stopped by the user"};
  if (!seen.started) {
    std::string why = !seen.splats.empty() ? death(seen.splats) : seen.last_words;
    return {Verdict::Infra,
            fmt::format("the guest died or stalled {} times before its init; last: {}", seen.boots,
                        why.empty() ? "nothing on the console" : why)};
  }
  bool panicked = std::any_of(seen.splats.begin(), seen.splats.end(), deadly);
  if (panicked) return {Verdict::Panic, death(seen.splats)};
  if (seen.flooded) return {Verdict::Fail, flood(seen)};
  if (seen.timed_out) {
    std::string last = !seen.splats.empty()     ? seen.splats.front().describe()
                       : !seen.stuck_at.empty() ? seen.stuck_at
                                                : "last on the console: " + seen.last_words;
    return {Verdict::Timeout, fmt::format("no end after {} s; {}", seen.limit_s, last)};
  }
  if (!seen.wire_damage.empty())
    return {Verdict::Infra, "the wire is damaged: " + seen.wire_damage};
  if (!seen.ended) {
    if (!seen.splats.empty()) return {Verdict::Panic, death(seen.splats)};
    return {seen.qemu_status > 128 ? Verdict::Infra : Verdict::Fail, guest_vanished(seen)};
  }
  if (!seen.broken_guest.empty())
    return {Verdict::Infra, "init could not run the command: " + seen.broken_guest};
  if (!seen.splats.empty()) return {Verdict::Splat, seen.splats.front().describe()};
  // Exceptions and others' bugs are whole reports, and those set the warning's bit.
  const bool warned = seen.allowed_warnings > 0 || !seen.foreign.empty();
  std::uint64_t allowed = allowed_taint | (warned ? warning_taint : 0);
  if (std::uint64_t bad = seen.taint & ~allowed; bad != 0)
    return {Verdict::Splat, "the kernel is tainted: " + describe_taint(bad)};
  if (seen.qemu_status != wire::qemu_exit_status(seen.status))
    return {Verdict::Infra,
            fmt::format("QEMU's exit status is {}, but exit {} of the command "
                        "should make it {}",
                        seen.qemu_status, seen.status, wire::qemu_exit_status(seen.status))};
  if (!seen.console_complete)
    return {Verdict::Infra, "the console log lacks init's end marker: it is not whole"};
  if (seen.bytes_sent != seen.bytes_received)
    return {Verdict::Infra, fmt::format("the command wrote {} bytes, {} arrived", seen.bytes_sent,
                                        seen.bytes_received)};
  if (seen.results.starts_with("lost")) return {Verdict::Infra, "the results are " + seen.results};
  if (!seen.results_error.empty()) return {Verdict::Infra, seen.results_error};
  if (seen.status != 0) {
    std::string why = seen.ktap ? seen.ktap->problem() : "";
    if (why.empty()) why = seen.last_error;
    return {Verdict::Fail,
            fmt::format("exit status {}{}{}", seen.status, why.empty() ? "" : "; ", why)};
  }
  if (seen.ktap)
    if (std::string why = seen.ktap->problem(); !why.empty()) return {Verdict::Fail, why};
  if (seen.audited && !seen.numbers.starts_with("agree"))
    return {Verdict::Fail, seen.numbers.empty() ? "the numbers were not compared" : seen.numbers};
  return {Verdict::Pass, "end record, exit code, whole console log and taint agree" +
                             (seen.audited ? "; numbers " + seen.numbers : "") +
                             others_bugs(seen.foreign)};
}

}  // namespace raceless::vm
