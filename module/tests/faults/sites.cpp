// SPDX-License-Identifier: GPL-2.0
#include "sites.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <string>
#include <tuple>
#include <utility>

namespace raceless {
namespace {

struct Site {
  const char* what;
  // In which of the module's functions it is: as it is written, or whatever it may be inlined into.
  std::set<std::string> in;
  // A function on the way to it or on from it, or a part of its name, where that tells it from
  // others there.
  std::string on_the_way;
  size_t nr = 1;  // so many of them
};

const Site kSites[] = {
    // device.c, user.c, state.c
    {"a descriptor", {"open"}, "misc_open"},
    {"a user", {"raceless_user_get"}, ""},
    {"a reader of the state", {"open"}, "proc_reg_open"},
    // slot.c
    {"a slot", {"alloc_slot", "raceless_slot_get"}, ""},
    // reference.c
    {"a reference or its number", {"reserve", "raceless_reference_get"}, "", 2},
    {"the number of a reference", {"reserve", "raceless_reference_get"}, "xa_alloc"},
    // call.c
    {"the two buffers of a call", {"copy_in", "make_room", "raceless_call"}, "", 2},
    // hold.c, unload.c, teardown.c, replace.c
    {"a hold", {"add", "raceless_hold_take"}, "raceless_hold_take"},
    {"the entries of an unload of many", {"raceless_unload_many"}, ""},
    {"a batch", {"raceless_batch_alloc"}, ""},
    {"an instance beside", {"raceless_beside_alloc"}, ""},
    // flight.c
    {"a flight's modprobe", {"fly_modprobe", "flight_work"}, "__request_module"},
    {"a flight's init in place", {"raceless_instance_start"}, "flight_work"},
    // gate
    {"a call", {"get", "raceless_gate_call_request", "raceless_gate_call_hold"}, ""},
    {"a deleter", {"add", "raceless_gate_deleter_wait"}, "raceless_gate_deleter_wait"},
    {"a lease", {"raceless_gate_lease_take"}, ""},
    {"the address of the gets", {"raceless_gate_gets_watch"}, "ftrace_set_filter_ip"},
    {"the watch on gets", {"raceless_gate_gets_watch"}, "register_ftrace_function"},
    // init; the table of slots is not here: the kernel waits until there is memory for it
    {"the cache of slots", {"raceless_slots_init"}, "kmem_cache_create"},
    {"the queue that frees slots", {"raceless_slots_init"}, "alloc_workqueue"},
    {"the queue of teardowns", {"raceless_teardowns_init"}, "alloc_workqueue"},
    {"the queue of flights", {"raceless_flights_init"}, "alloc_workqueue"},
    {"/proc/raceless", {"raceless_state_init"}, "proc_create"},
    {"/proc/raceless_holders", {"raceless_holders_init"}, "proc_create_seq_private"},
    {"/proc/raceless_gate", {"raceless_gate_init"}, "proc_create_single_data"},
    {"the gate's functions", {"raceless_gate_init"}, "register_btf_kfunc_id_set"},
    {"/dev/raceless", {"raceless_device_init"}, "misc_register"},
};

// The innermost frame of the module's, and the names of all functions of the stack.
struct Place {
  std::string function;
  unsigned long offset = 0;
  std::string way;

  bool operator<(const Place& other) const {
    return std::tie(function, offset, way) < std::tie(other.function, other.offset, other.way);
  }
};

std::set<Place>& places() {
  static std::set<Place> all;
  return all;
}

size_t nr_reached(const Site& site) {
  std::set<std::pair<std::string, unsigned long>> reached;
  for (const Place& place : places())
    if (site.in.contains(place.function) && place.way.find(site.on_the_way) != std::string::npos)
      reached.emplace(place.function, place.offset);
  return reached.size();
}

class AllSites : public testing::Environment {
 public:
  void TearDown() override {
    if (testing::GTEST_FLAG(filter) != "*") return;
    for (const Site& site : kSites)
      EXPECT_GE(nr_reached(site), site.nr) << "no test has refused memory to " << site.what;
    std::set<std::string> told;
    for (const Place& place : places())
      told.insert(fmt::format("{}+{:#x}", place.function, place.offset));
    for (const std::string& place : told) fmt::print("# refused: {}\n", place);
    std::fflush(stdout);
  }
};

[[maybe_unused]] testing::Environment* const kAllSites =
    testing::AddGlobalTestEnvironment(new AllSites);

}  // namespace

void count_sites(const std::vector<Stack>& refused) {
  for (const Stack& stack : refused) {
    const auto ours =
        std::find_if(stack.begin(), stack.end(), [](const Frame& frame) { return frame.raceless; });
    if (ours == stack.end()) continue;
    Place place{ours->function, ours->offset, ""};
    for (const Frame& frame : stack) place.way += frame.function + " ";
    places().insert(std::move(place));
  }
}

}  // namespace raceless
