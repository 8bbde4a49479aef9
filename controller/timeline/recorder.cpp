// SPDX-License-Identifier: GPL-2.0
#include "timeline/recorder.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>

#include "signals.h"

namespace raceless {

namespace {

// The ring holds some 7,000 events. Nobody is woken for one: that would slow down who sends it.
constexpr std::chrono::milliseconds kInterval{5};
// What is in it at the end is read in one turn, unless this thread had to wait for a CPU.
constexpr int kLastTurns = 10;

}  // namespace

Recorder::Recorder(Tracing& tracing) : tracing_(tracing), thread_([this] { run(); }) {}

Recorder::~Recorder() { stop(); }

void Recorder::run() {
  Signals::block();
  pthread_setname_np(pthread_self(), "recorder");
  while (!stopped_) {
    std::this_thread::sleep_for(kInterval);
    drain();
  }
  for (int turn = 0; turn < kLastTurns && drain(); turn++) continue;
}

bool Recorder::drain() {
  const Result<int> read = tracing_.poll(std::chrono::milliseconds(0), [this](const Event& event) {
    (is_refusal(event) ? refusals_ : steps_).add(header(event).time_ns, event);
  });
  if (!read && !error_) error_ = read.error();
  return read.value_or(0) > 0;
}

void Recorder::stop() {
  stopped_ = true;
  if (thread_.joinable()) thread_.join();
}

EventRecord Recorder::record() const {
  return {steps_.items(), refusals_.items(), steps_.sampling(), refusals_.sampling()};
}

}  // namespace raceless
