// SPDX-License-Identifier: GPL-2.0
// Whether a quantity that is measured again and again grows, and how sure that is.
#ifndef RACELESS_CONTROLLER_SOAK_TREND_H
#define RACELESS_CONTROLLER_SOAK_TREND_H

#include <cstddef>
#include <vector>

namespace raceless {

struct Measured {
  double time_h = 0;
  double value = 0;
  size_t kind = 0;  // of the moment; only moments of one kind are comparable
};

// A slope in units per hour, and the interval in which the true one lies with 99 %.
struct Trend {
  bool judged = false;  // there were enough measurements for an interval
  double slope = 0;
  double low = 0;
  double high = 0;
  bool goes_on = false;  // upwards, in each half of the time

  [[nodiscard]] bool grows() const { return judged && low > 0 && goes_on; }
};

// Theil and Sen: the median of the slopes between any two moments of one kind, so that neither a
// few outliers nor what is different from kind to kind moves it. The interval is Hirsch's and
// Slack's for Kendall's test by seasons (1984), whose seasons are the kinds here. It takes the
// kinds for independent: what steps up once, after which all of them find more, would look sure. So
// growth has to go on in both halves.
[[nodiscard]] Trend trend_of(const std::vector<Measured>& measured);

}  // namespace raceless

#endif
