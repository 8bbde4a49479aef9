// SPDX-License-Identifier: GPL-2.0
// Empties the ring buffer while a storm runs.
#ifndef RACELESS_CONTROLLER_TIMELINE_RECORDER_H
#define RACELESS_CONTROLLER_TIMELINE_RECORDER_H

#include <atomic>
#include <optional>
#include <thread>

#include "timeline/timeline.h"
#include "tracing.h"

namespace raceless {

// Its thread is the only one that polls, and alone touches the samples until it has ended. Others
// may ask `tracing` for numbers meanwhile; it must outlive this.
class Recorder {
 public:
  explicit Recorder(Tracing& tracing);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // Reads what is there still, and ends.
  void stop();

  // After stop().
  [[nodiscard]] EventRecord record() const;
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

 private:
  void run();
  bool drain();  // was there anything?

  Tracing& tracing_;
  WindowSample<Event> steps_{kMostSteps};
  WindowSample<Event> refusals_{kMostRefusals};
  std::optional<Error> error_;  // the first one
  std::atomic<bool> stopped_ = false;
  std::thread thread_;
};

}  // namespace raceless

#endif
