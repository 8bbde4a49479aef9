// SPDX-License-Identifier: GPL-2.0
// raceless trace
#include <fmt/format.h>

#include <bit>
#include <memory>

#include "../bpf/counters.h"
#include "clock.h"
#include "command.h"
#include "duration_option.h"
#include "trace/session.h"
#include "tracing/pin_folder.h"

namespace raceless {

namespace {

constexpr uint64_t kShortestIntervalNs = 100 * kNsPerMs;
constexpr uint64_t kSmallestBuffer = 4096;
constexpr uint64_t kLargestBuffer = 1 << 30;

struct Asked {
  TraceOptions trace;
  std::vector<std::string> modules;
  std::string listen;
  bool any_address = false;
  bool no_pins = false;
  uint64_t buffer_bytes = 0;
};

Outcome usage(const std::string& message) {
  fmt::print(stderr, "raceless: {}\n", message);
  return Outcome::usage;
}

Outcome cannot_run(const Error& error) {
  fmt::print(stderr, "raceless: {}\n", error.message());
  return Outcome::cannot_run;
}

// What was asked for, checked before anything is attached.
Status complete(Asked& asked) {
  const auto modules = to_module_names(asked.modules);
  if (!modules) return tl::unexpected(modules.error());
  asked.trace.modules = *modules;
  if (asked.modules.size() > RACELESS_WATCHED_MODULES)
    return fail(0, fmt::format("name at most {} modules, or none, for all of them",
                               RACELESS_WATCHED_MODULES));
  if (asked.trace.interval_ns < kShortestIntervalNs) return fail(0, "--interval: at least 100ms");
  if (asked.buffer_bytes != 0 &&
      (!std::has_single_bit(asked.buffer_bytes) || asked.buffer_bytes < kSmallestBuffer ||
       asked.buffer_bytes > kLargestBuffer))
    return fail(
        0, fmt::format("--buffer: a power of two from {} to {}", kSmallestBuffer, kLargestBuffer));
  asked.trace.buffer_bytes = static_cast<uint32_t>(asked.buffer_bytes);
  if (asked.no_pins) asked.trace.pin_dir.clear();
  if (asked.listen.empty()) return {};
  const Result<ListenAddress> address = parse_listen_address(asked.listen);
  if (!address) return tl::unexpected(address.error());
  if (!address->is_loopback() && !asked.any_address)
    return fail(0, fmt::format("{} can be reached from other machines, and whoever reaches it can "
                               "read the metrics; add --allow-remote if that is wanted, or listen "
                               "on 127.0.0.1:{}",
                               address->text(), address->port));
  asked.trace.listen = *address;
  return {};
}

Outcome run(Asked asked) {
  if (Status completed = complete(asked); !completed) return usage(completed.error().message());
  const Result<Signals> signals = Signals::catch_all(PinFolder::remove_at_once);
  if (!signals) return cannot_run(signals.error());
  const Result<std::unique_ptr<TraceSession>> session = TraceSession::open(asked.trace);
  if (!session) return cannot_run(session.error());
  if (Status traced = (*session)->run(*signals); !traced) return cannot_run(traced.error());
  return Outcome::passed;
}

}  // namespace

RunCommand add_trace(CLI::App& app) {
  auto asked = std::make_shared<Asked>();
  TraceOptions& trace = asked->trace;
  trace.pin_dir = Tracing::default_pin_dir;
  app.add_option("MODULE", asked->modules,
                 "only these modules, 64 at most; '-' and '_' are the same (all)");
  add_duration(
      app, "-d,--duration", "end by itself after so long (at the first Ctrl-C)",
      [&trace](uint64_t ns) { trace.duration_ns = ns; }, "");
  add_duration(
      app, "-i,--interval", "of the table, or of the numbers of --json; 100ms or more",
      [&trace](uint64_t ns) { trace.interval_ns = ns; }, "1s");
  app.add_flag("--json", trace.json, "one JSON object a line: events, numbers, errors");
  app.add_flag("--stacks", trace.stacks, "with the kernel's stack of each failed get and RCU wait");
  app.add_option("--listen", asked->listen, "serve metrics for Prometheus, as in 127.0.0.1:9837")
      ->type_name("ADDRESS:PORT");
  app.add_flag("--allow-remote", asked->any_address, "let --listen be reached from other machines");
  app.add_option("--pins", trace.pin_dir, "pin maps, programs and links here, for bpftool")
      ->type_name("FOLDER")
      ->capture_default_str();
  app.add_flag("--no-pins", asked->no_pins, "pin nothing");
  app.add_option("--buffer", asked->buffer_bytes,
                 "bytes of the ring buffer of events, a power of two from 4096 (8 MiB)")
      ->type_name("BYTES");
  app.footer(
      "Works on any kernel from 6.1 on with BTF; with raceless.ko loaded the registry's lifecycle\n"
      "is added, and raceless.ko cannot be unloaded while it is traced. The first Ctrl-C prints "
      "the\n"
      "summary, the second ends at once. docs/trace.md explains what is shown.");
  return [asked] { return run(*asked); };
}

}  // namespace raceless
