// SPDX-License-Identifier: GPL-2.0
// What a soak reads between two storms, when everything is at rest: quantities that are to be flat.
#ifndef RACELESS_CONTROLLER_SOAK_READING_H
#define RACELESS_CONTROLLER_SOAK_READING_H

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace raceless {

enum class Unit { bytes, objects };

struct Quantity {
  std::string_view name;
  Unit unit;
  // How much it may grow in a soak, however sure that is: the kernel's own needs move too. 0: not
  // by one.
  double bound;
  bool falls = false;  // it is less of it that would be a leak
};

constexpr double kKiB = 1024;
constexpr double kMiB = 1024 * kKiB;

constexpr std::array<Quantity, 18> kQuantities = {{
    {"slab", Unit::bytes, 1 * kMiB},
    {"vmalloc", Unit::bytes, 1 * kMiB},
    {"per-CPU memory", Unit::bytes, 512 * kKiB},
    {"page tables", Unit::bytes, 256 * kKiB},
    {"kernel stacks", Unit::bytes, 256 * kKiB},
    {"free memory", Unit::bytes, 8 * kMiB, true},
    {"slots", Unit::objects, 0},
    {"instances", Unit::objects, 0},
    {"references", Unit::objects, 0},
    {"waiters", Unit::objects, 0},
    {"descriptors", Unit::objects, 0},
    {"modules", Unit::objects, 0},
    {"BPF programs", Unit::objects, 0},
    {"BPF maps", Unit::objects, 0},
    {"BPF links", Unit::objects, 0},
    {"tasks", Unit::objects, 8},
    // As many as works slept at once lately, in the busiest moment of minutes: they go up and down.
    {"kworkers", Unit::objects, 100},
    {"open files", Unit::objects, 16},
}};

// Of each slab cache, apart from all: a leak of small objects that the sum does not show. The
// kernel itself may need some hundred more; who leaks does so once in some lifecycles.
constexpr double kCacheBound = 100;
constexpr double kCacheBoundLifecycles = 20;  // or an object for each so many, if that is more

struct Reading {
  std::array<double, kQuantities.size()> values{};
  std::map<std::string, double> caches;  // objects, of caches that cannot be reclaimed
};

// Without the memory that the kernel gives back when it is asked, or that this process does not
// need any more: what is cached for later is no leak.
void come_to_rest();

[[nodiscard]] Reading read_quantities(const std::string& root = "");

// "12.3 MiB", "+17"
[[nodiscard]] std::string quantity_text(Unit unit, double value, bool sign = false);

}  // namespace raceless

#endif
