// SPDX-License-Identifier: GPL-2.0
// Programs are attached in the order of their source. What was seen to begin while nobody looked
// for its end yet would stay under way for ever.
#include <bpf/libbpf.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "causes.skel.h"
#include "gate.skel.h"
#include "modules.skel.h"

namespace raceless {
namespace {

// The names of its programs, in that order.
template <typename Skeleton>
std::vector<std::string> programs_of() {
  std::vector<std::string> names;
  Skeleton* skeleton = Skeleton::open();
  EXPECT_NE(skeleton, nullptr);
  if (skeleton == nullptr) return names;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, skeleton->obj)
      names.emplace_back(bpf_program__name(program));
  Skeleton::destroy(skeleton);
  return names;
}

bool is_end(const std::string& name) {
  return name == "on_exit" || name == "on_thread_exit" || name.find("_end") != std::string::npos;
}

TEST(ProgramOrder, EachEndOfAModulesStepIsAttachedBeforeItsBegin) {
  const std::vector<std::string> programs = programs_of<modules_bpf>();
  int pairs = 0;
  for (auto begin = programs.begin(); begin != programs.end(); ++begin) {
    const std::string suffix = "_begin";
    if (!begin->ends_with(suffix)) continue;
    const std::string end = begin->substr(0, begin->size() - suffix.size()) + "_end";
    EXPECT_NE(std::find(programs.begin(), begin, end), begin) << end;
    pairs++;
  }
  EXPECT_EQ(pairs, 5);
}

// A task has one record of all that it meets, which several ends clear.
void expect_ends_first(const std::vector<std::string>& programs, long least) {
  EXPECT_TRUE(std::is_partitioned(programs.begin(), programs.end(), is_end));
  EXPECT_GE(std::count_if(programs.begin(), programs.end(), is_end), least);
  EXPECT_FALSE(std::all_of(programs.begin(), programs.end(), is_end));
}

TEST(ProgramOrder, AllEndsOfTheGateAreAttachedFirst) {
  expect_ends_first(programs_of<gate_bpf>(), 25);
}

TEST(ProgramOrder, AllEndsOfCausesAreAttachedFirst) {
  expect_ends_first(programs_of<causes_bpf>(), 12);
}

}  // namespace
}  // namespace raceless
