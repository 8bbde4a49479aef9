// SPDX-License-Identifier: GPL-2.0
#include "trace/session.h"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "clock.h"
#include "duration.h"
#include "exporter/metrics.h"
#include "state_file.h"

namespace raceless {

namespace {

using nlohmann::ordered_json;

constexpr uint64_t kLookNs = 100 * kNsPerMs;  // how often the ring buffer is read
// Events that are on their way at the end are shown, but for no longer than that.
constexpr uint64_t kLongestRestNs = kNsPerSecond;

constexpr double kNsPerS = 1e9;

void warn(const std::string& message) { fmt::print(stderr, "raceless: {}\n", message); }

// Providers of these modules that the registry knows already.
std::set<std::string> owned_by(const std::vector<std::string>& modules) {
  std::set<std::string> owned;
  const Result<StateFile> state = StateFile::read();
  if (!state) return owned;
  for (const SlotState& slot : state->slots())
    if (std::ranges::find(modules, slot.text("owner")) != modules.end())
      owned.insert(slot.text("name"));
  return owned;
}

// The name of a module that comes or goes; nullptr for any other event.
const char* changed_module(const Event& event) {
  const uint32_t type = header(event).type;
  if (type != RACELESS_EVENT_MODULE_LOAD && type != RACELESS_EVENT_MODULE_FREE) return nullptr;
  const auto* record = std::get_if<raceless_event_module>(&event);
  return record != nullptr ? record->name : nullptr;
}

std::string release() {
  utsname names{};
  return uname(&names) == 0 ? names.release : "";
}

std::string list(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "all modules" : text;
}

}  // namespace

TraceSession::TraceSession(const TraceOptions& options)
    : options_(options),
      registry_(module_state("raceless") == ModuleState::live),
      screen_(stdout) {}

Result<std::unique_ptr<TraceSession>> TraceSession::open(const TraceOptions& options) {
  std::unique_ptr<TraceSession> session(new TraceSession(options));
  if (Status attached = session->attach(); !attached) return tl::unexpected(attached.error());
  if (Status served = session->serve(); !served) return tl::unexpected(served.error());
  return session;
}

Status TraceSession::attach() {
  for (const std::string& module : options_.modules)
    if (!aliases_.is_known(module))
      warn(fmt::format("no module '{}' is loaded, nor installed for this kernel; it is waited for",
                       module));
  Tracing::Options tracing;
  tracing.registry = registry_;
  tracing.modules = options_.modules;
  tracing.calls = true;
  tracing.events = true;
  tracing.events_bytes = options_.buffer_bytes;
  tracing.pin_dir = options_.pin_dir;
  tracing.pin_programs = true;
  Result<std::unique_ptr<Tracing>> opened = Tracing::open(tracing);
  if (!opened) return tl::unexpected(opened.error());
  tracing_ = std::move(*opened);
  registry_ = tracing_->has_registry();
  start_ns_ = now_ns();
  EventView::Naming naming;
  naming.stack = [this](int32_t stack) { return tracing_->stack(stack); };
  naming.caller = [this](const auto& stack) { return symbols_.caller(stack); };
  naming.frames = [this](const auto& stack) { return symbols_.describe_all(stack); };
  naming.module_of = [this](const std::string& alias) { return aliases_.module_of(alias); };
  view_ = std::make_unique<EventView>(std::move(naming), options_.stacks, options_.modules,
                                      start_ns_, owned_by(options_.modules));
  return {};
}

Status TraceSession::serve() {
  if (!options_.listen) return {};
  Result<std::unique_ptr<Exporter>> exporter =
      Exporter::start(*options_.listen, [this]() -> Result<std::vector<prometheus::MetricFamily>> {
        const Result<Numbers> read = numbers();
        if (!read) return tl::unexpected(read.error());
        return make_metrics(*read, tracing_->missing().size());
      });
  if (!exporter) return tl::unexpected(exporter.error());
  exporter_ = std::move(*exporter);
  warn(fmt::format("metrics at http://{}/metrics", options_.listen->text()));
  return {};
}

Result<Numbers> TraceSession::numbers() {
  const Result<Snapshot> snapshot = tracing_->snapshot();
  if (!snapshot) return tl::unexpected(snapshot.error());
  const Result<Activity> activity = tracing_->activity();
  if (!activity) return tl::unexpected(activity.error());
  const Naming naming{[this](const auto& stack) { return symbols_.caller(stack); },
                      [this](const std::string& alias) { return aliases_.module_of(alias); }};
  return make_numbers(*activity, *snapshot, registry_, options_.modules, naming);
}

void TraceSession::print(const ordered_json& line) {
  // Names come from the kernel, and need not be UTF-8.
  fmt::print("{}\n", line.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
}

void TraceSession::tell(const Error& error) {
  if (options_.json)
    print({{"type", "error"}, {"message", error.message()}});
  else
    warn(error.message());
}

void TraceSession::show_begin() {
  if (options_.json) {
    print({{"type", "begin"},
           {"kernel", release()},
           {"clock_ns", start_ns_},
           {"modules", options_.modules},
           {"registry", registry_},
           {"pins", options_.pin_dir},
           {"missing", tracing_->missing()}});
    std::fflush(stdout);
    return;
  }
  for (const std::string& missing : tracing_->missing()) warn("without " + missing);
  warn(fmt::format("tracing {}{}; Ctrl-C ends it", list(options_.modules),
                   registry_ ? " and the registry" : ""));
}

void TraceSession::show_lost(const Numbers& numbers) {
  const auto found = numbers.drops.find("events");
  const uint64_t lost = found == numbers.drops.end() ? 0 : found->second;
  if (lost <= lost_events_) return;
  if (options_.json)
    print({{"type", "lost"}, {"events", lost - lost_events_}});
  else
    screen_.event(fmt::format("{} events lost: the ring buffer was full", lost - lost_events_));
  lost_events_ = lost;
}

Status TraceSession::show_numbers(bool last) {
  const Result<Numbers> read = numbers();
  if (!read) return tl::unexpected(read.error());
  show_lost(*read);
  const uint64_t elapsed_ns = now_ns() - start_ns_;
  if (options_.json) {
    ordered_json line = {{"type", last ? "end" : "numbers"},
                         {"time", static_cast<double>(elapsed_ns) / kNsPerS}};
    line.update(ordered_json(numbers_json(*read)));
    print(line);
    std::fflush(stdout);
    return {};
  }
  const std::string head = fmt::format("{} after {}", release(), format_duration(elapsed_ns));
  if (!last) {
    screen_.table(fmt::format("{}; {}", head, drops_text(*read)), table_text(*read));
    return {};
  }
  screen_.leave();
  fmt::print("\n{}\n{}", head, summary_text(*read));
  std::fflush(stdout);
  return {};
}

void TraceSession::show_event(const Event& event) {
  if (const char* module = changed_module(event)) symbols_.forget(module);
  const ordered_json line = view_->json(event);
  if (line.is_null()) return;
  if (options_.json)
    print(line);
  else
    screen_.event(event_text(line));
}

Result<int> TraceSession::poll(uint64_t until_ns) {
  const uint64_t now = now_ns();
  const uint64_t wait_ns = until_ns > now ? std::min(until_ns - now, kLookNs) : 0;
  // Whole milliseconds, and not 0 before the time has come.
  const auto wait = std::chrono::milliseconds((wait_ns + kNsPerMs - 1) / kNsPerMs);
  Result<int> polled = tracing_->poll(wait, [this](const Event& event) { show_event(event); });
  std::fflush(stdout);
  return polled;
}

Status TraceSession::run(const Signals& signals) {
  show_begin();
  const uint64_t end_ns = options_.duration_ns ? start_ns_ + *options_.duration_ns : UINT64_MAX;
  uint64_t next_ns = start_ns_ + options_.interval_ns;
  // Nobody else wakes this loop: each turn waits kLookNs at most.
  while (!signals.pending() && now_ns() < end_ns && screen_.is_open()) {
    if (const Result<int> polled = poll(std::min(next_ns, end_ns)); !polled) tell(polled.error());
    if (now_ns() < next_ns) continue;
    if (Status shown = show_numbers(false); !shown) tell(shown.error());
    next_ns = std::max(next_ns + options_.interval_ns, now_ns());
  }
  const uint64_t rest_until_ns = now_ns() + kLongestRestNs;
  while (poll(0).value_or(0) > 0 && now_ns() < rest_until_ns && screen_.is_open()) continue;
  return show_numbers(true);
}

}  // namespace raceless
