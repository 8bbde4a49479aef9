// SPDX-License-Identifier: GPL-2.0
// Tracing during a storm. A storm works without it; then causes are unknown, and it says why.
#ifndef RACELESS_CONTROLLER_STORM_TRACER_H
#define RACELESS_CONTROLLER_STORM_TRACER_H

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "timeline/recorder.h"
#include "tracing.h"

namespace raceless {

class Tracer {
 public:
  // Traces nothing, because of `why`.
  explicit Tracer(std::string why) : missing_{std::move(why)} {}
  explicit Tracer(const Tracing::Options& options);

  [[nodiscard]] bool on() const { return tracing_ != nullptr; }
  // What could not be attached, and why.
  [[nodiscard]] const std::vector<std::string>& missing() const { return missing_; }

  // Why the call of the current thread that began at `since_ns` failed: "load_busy"…
  [[nodiscard]] std::string cause(uint64_t since_ns) const;
  [[nodiscard]] std::optional<Snapshot> snapshot() const;

  // The kernel's events until now, if Options::events asked for them; there are no more after it.
  [[nodiscard]] EventRecord end_recording();

 private:
  std::unique_ptr<Tracing> tracing_;
  std::unique_ptr<Recorder> recorder_;
  std::vector<std::string> missing_;
};

}  // namespace raceless

#endif
