// SPDX-License-Identifier: GPL-2.0
#include "holders/candidates.h"

#include <gtest/gtest.h>

namespace raceless {
namespace {

const GetNaming& naming() {
  static const GetNaming words{[](const std::vector<uint64_t>& stack) {
                                 std::vector<std::string> frames;
                                 frames.reserve(stack.size());
                                 for (const uint64_t address : stack)
                                   frames.push_back("f" + std::to_string(address));
                                 return frames;
                               },
                               [](uint32_t tid) { return tid != 9; }};
  return words;
}

std::vector<Holder> held_by(uint32_t pid) {
  Holder holder;
  holder.users.push_back({pid, "cat", "fd 3", ""});
  return {holder};
}

TEST(Candidates, ThoseOfOneStackAreOne) {
  const auto found = make_candidates(
      {{100, 8, 8, "a", {1, 2}}, {200, 9, 9, "b", {1, 3}}, {300, 9, 9, "b", {1, 3}}}, {}, 1000,
      naming());
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].count, 2U);
  EXPECT_EQ(found[0].stack, (std::vector<std::string>{"f1", "f3"}));
  EXPECT_EQ(found[0].oldest_ns, 800U);
  ASSERT_EQ(found[0].takers.size(), 1U);
  EXPECT_FALSE(found[0].takers[0].alive);
  EXPECT_EQ(found[1].count, 1U);
  EXPECT_TRUE(found[1].takers.at(0).alive);
  EXPECT_EQ(found[1].takers.at(0).comm, "a");
}

TEST(Candidates, ThoseOfNamedUsersComeLast) {
  const auto found =
      make_candidates({{100, 8, 8, "a", {1}}, {100, 8, 8, "a", {1}}, {200, 7, 7, "b", {1}}},
                      held_by(8), 1000, naming());
  ASSERT_EQ(found.size(), 2U);
  EXPECT_FALSE(found[0].named);
  EXPECT_EQ(found[0].takers.at(0).pid, 7U);
  EXPECT_TRUE(found[1].named);
  EXPECT_EQ(found[1].count, 2U);
}

TEST(Candidates, AreNeverYoungerThanNow) {
  EXPECT_EQ(make_candidates({{2000, 8, 8, "a", {}}}, {}, 1000, naming()).at(0).oldest_ns, 0U);
  EXPECT_TRUE(make_candidates({}, held_by(8), 1000, naming()).empty());
}

}  // namespace
}  // namespace raceless
