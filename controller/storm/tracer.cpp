// SPDX-License-Identifier: GPL-2.0
#include "storm/tracer.h"

#include <unistd.h>

namespace raceless {

Tracer::Tracer(const Tracing::Options& options) {
  Result<std::unique_ptr<Tracing>> tracing = Tracing::open(options);
  if (!tracing) {
    missing_.push_back("all of it: " + tracing.error().message());
    return;
  }
  tracing_ = std::move(*tracing);
  missing_ = tracing_->missing();
  if (options.events) recorder_ = std::make_unique<Recorder>(*tracing_);
}

std::string Tracer::cause(uint64_t since_ns) const {
  if (!on()) return to_string(FailureCause::unknown);
  const Result<FailureCause> cause = tracing_->cause(gettid(), since_ns);
  return to_string(cause.value_or(FailureCause::unknown));
}

std::optional<Snapshot> Tracer::snapshot() const {
  if (!on()) return std::nullopt;
  Result<Snapshot> snapshot = tracing_->snapshot();
  if (!snapshot) return std::nullopt;
  return std::move(*snapshot);
}

EventRecord Tracer::end_recording() {
  if (!recorder_) return {};
  recorder_->stop();
  if (const auto& error = recorder_->error())
    missing_.push_back("events of the timeline: " + error->message());
  return recorder_->record();
}

}  // namespace raceless
