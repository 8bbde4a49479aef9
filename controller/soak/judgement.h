// SPDX-License-Identifier: GPL-2.0
// What became of a soak: how each quantity moved, and whether that is a leak.
#ifndef RACELESS_CONTROLLER_SOAK_JUDGEMENT_H
#define RACELESS_CONTROLLER_SOAK_JUDGEMENT_H

#include <cstdint>
#include <string>
#include <vector>

#include "soak/reading.h"
#include "soak/soak.h"
#include "soak/trend.h"

namespace raceless {

enum class Movement {
  flat,      // nothing says that it grows
  bounded,   // it does, by less than what it may
  grows,     // by more: a leak
  unjudged,  // too few turns to tell
};
[[nodiscard]] const char* movement_name(Movement movement);

// One row of the page.
struct QuantityTrend {
  std::string name;
  Unit unit = Unit::objects;
  bool falls = false;
  double first = 0;
  double last = 0;
  Trend trend;        // of the growth: of what falls, turned round
  double growth = 0;  // the slope, over the time that was judged
  double bound = 0;
  Movement movement = Movement::unjudged;
  std::string most_in;  // of what grows: the target in whose turns it grew most
};

struct Judgement {
  uint64_t warm_up_rounds = 0;
  uint64_t moments = 0;     // after them
  uint64_t lifecycles = 0;  // between the first and the last of these
  double hours = 0;
  std::vector<QuantityTrend> quantities;
  std::vector<QuantityTrend> caches;  // of slabs: those alone that surely move up
  bool judged = false;

  [[nodiscard]] bool grows() const;
};

[[nodiscard]] Judgement judge(const SoakRecord& record);

// Positive proof: something was stormed, no storm failed, and what was read can be judged and is
// flat.
[[nodiscard]] bool passed(const SoakRecord& record, const Judgement& judgement);

}  // namespace raceless

#endif
