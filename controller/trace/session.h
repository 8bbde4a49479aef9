// SPDX-License-Identifier: GPL-2.0
// One `raceless trace`, from its first event to its summary.
#ifndef RACELESS_CONTROLLER_TRACE_SESSION_H
#define RACELESS_CONTROLLER_TRACE_SESSION_H

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "exporter/exporter.h"
#include "result.h"
#include "signals.h"
#include "trace/event_view.h"
#include "trace/module_names.h"
#include "trace/numbers.h"
#include "trace/screen.h"
#include "trace/symbols.h"
#include "tracing.h"

namespace raceless {

struct TraceOptions {
  std::vector<std::string> modules;      // the kernel's names; empty: all
  std::optional<uint64_t> duration_ns;   // none: until a signal
  uint64_t interval_ns = 1'000'000'000;  // of the table
  uint32_t buffer_bytes = 0;             // of the ring buffer; 0: its own size
  std::optional<ListenAddress> listen;
  std::string pin_dir;  // empty: nothing is pinned
  bool json = false;
  bool stacks = false;
};

class TraceSession {
 public:
  // Attaches, and serves if asked to.
  [[nodiscard]] static Result<std::unique_ptr<TraceSession>> open(const TraceOptions& options);

  // Until the time is up, a signal comes, or nobody reads any more; then the summary. An error is
  // one after which there was no point in going on.
  [[nodiscard]] Status run(const Signals& signals);

 private:
  explicit TraceSession(const TraceOptions& options);

  [[nodiscard]] Status attach();
  [[nodiscard]] Status serve();
  // What the exporter's threads call, too.
  [[nodiscard]] Result<Numbers> numbers();
  // Shows what has come; how many events, after `until_ns` or a little earlier.
  [[nodiscard]] Result<int> poll(uint64_t until_ns);
  void show_event(const Event& event);
  [[nodiscard]] Status show_numbers(bool last);
  void show_begin();
  void show_lost(const Numbers& numbers);
  void print(const nlohmann::ordered_json& line);
  // A fault of one moment: told, and counted in the stream.
  void tell(const Error& error);

  TraceOptions options_;
  bool registry_;
  uint64_t start_ns_ = 0;
  Symbols symbols_;
  AliasNames aliases_;
  std::unique_ptr<Tracing> tracing_;
  std::unique_ptr<EventView> view_;
  Screen screen_;
  uint64_t lost_events_ = 0;
  std::unique_ptr<Exporter> exporter_;  // its threads use the rest
};

}  // namespace raceless

#endif
