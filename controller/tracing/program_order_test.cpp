// SPDX-License-Identifier: GPL-2.0
// Programs are attached in the order of their source.
#include <bpf/libbpf.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "modules.skel.h"

namespace raceless {
namespace {

// What was seen to begin while nobody looked for its end yet would stay under way for ever.
TEST(ProgramOrder, EachEndIsAttachedBeforeItsBegin) {
  modules_bpf* modules = modules_bpf::open();
  ASSERT_NE(modules, nullptr);
  std::map<std::string, int> place;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, modules->obj) {
    const int next = static_cast<int>(place.size());
    place[bpf_program__name(program)] = next;
  }
  modules_bpf::destroy(modules);
  int pairs = 0;
  for (const auto& [name, begin] : place) {
    const std::string suffix = "_begin";
    if (!name.ends_with(suffix)) continue;
    const std::string end = name.substr(0, name.size() - suffix.size()) + "_end";
    ASSERT_TRUE(place.contains(end)) << end;
    EXPECT_LT(place.at(end), begin) << end;
    pairs++;
  }
  EXPECT_EQ(pairs, 5);
}

}  // namespace
}  // namespace raceless
