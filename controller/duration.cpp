// SPDX-License-Identifier: GPL-2.0
#include "duration.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <string_view>

#include "clock.h"

namespace raceless {

namespace {

struct Unit {
  std::string_view name;
  uint64_t ns;
};

constexpr std::array<Unit, 7> kUnits = {{{"ns", 1},
                                         {"us", kNsPerUs},
                                         {"ms", kNsPerMs},
                                         {"s", kNsPerSecond},
                                         {"m", 60 * kNsPerSecond},
                                         {"h", 3600 * kNsPerSecond},
                                         {"", kNsPerSecond}}};

// Half of what the type holds: a time that is added to the clock does not wrap.
constexpr uint64_t kLongestNs = UINT64_MAX / 2;

}  // namespace

Result<uint64_t> parse_duration(const std::string& text) {
  uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc()) {
    for (const Unit& unit : kUnits) {
      if (std::string_view(rest, static_cast<size_t>(end - rest)) != unit.name) continue;
      if (number > kLongestNs / unit.ns) break;
      return number * unit.ns;
    }
  }
  return fail(0, "'" + text +
                     "' is no duration; write a whole number and a unit, as in 30s, "
                     "250ms, 2m");
}

std::string format_duration(uint64_t ns) {
  struct Scale {
    uint64_t below_ns;
    double divisor;
    const char* unit;
  };
  constexpr std::array<Scale, 3> kScales = {
      {{kNsPerUs, 1, "ns"}, {kNsPerMs, 1e3, "us"}, {kNsPerSecond, 1e6, "ms"}}};

  double value = static_cast<double>(ns) / 1e9;
  const char* unit = "s";
  for (const Scale& scale : kScales) {
    if (ns >= scale.below_ns) continue;
    value = static_cast<double>(ns) / scale.divisor;
    unit = scale.unit;
    break;
  }
  const int decimals = value < 10 && ns >= kNsPerUs ? 2 : value < 100 && ns >= kNsPerUs ? 1 : 0;
  return fmt::format("{:.{}f} {}", value, decimals, unit);
}

}  // namespace raceless
