// SPDX-License-Identifier: GPL-2.0
// Who holds a module: what is known, what is not, and what to do about it.
#ifndef RACELESS_CONTROLLER_HOLDERS_ANSWER_H
#define RACELESS_CONTROLLER_HOLDERS_ANSWER_H

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "holders/holder.h"

namespace raceless {

struct TaskName {
  uint32_t pid = 0;
  uint32_t tid = 0;
  std::string comm;
  bool alive = true;
};

// A task that has a function of the module on its kernel stack.
struct Runner {
  TaskName task;
  std::vector<std::string> stack;  // innermost first
};

// Gets without a put, all of one stack. Which get a put undoes is a guess.
struct Candidate {
  uint64_t count = 0;
  std::vector<std::string> stack;  // innermost first
  std::vector<TaskName> takers;
  uint64_t oldest_ns = 0;  // age
  bool named = false;      // all takers are users of holders that are named
};

struct Recording {
  uint64_t duration_ns = 0;
  uint64_t gets = 0;
  uint64_t puts = 0;
  uint64_t puts_of_earlier = 0;
  uint64_t lost = 0;  // of gets and puts: no room for them, or not shown to us by the kernel
  std::vector<Candidate> candidates;
};

struct Answer {
  std::string module;
  std::vector<std::string> providers;
  std::optional<long> references;  // none: its exit has begun
  bool changing = false;           // they changed each time that we looked
  std::vector<Holder> holders;
  std::vector<Runner> runners;
  std::optional<Recording> recording;
  std::vector<std::string> missing;  // what could not be looked at
  uint64_t elapsed_ns = 0;           // without the recording

  [[nodiscard]] long named() const;
  // Negative if some went while we looked.
  [[nodiscard]] long unknown() const { return references.value_or(0) - named(); }
  [[nodiscard]] std::string text() const;
  [[nodiscard]] nlohmann::json json() const;
};

}  // namespace raceless

#endif
