// SPDX-License-Identifier: GPL-2.0
#include "holders/get_ledger.h"

#include <gtest/gtest.h>

namespace raceless {
namespace {

ModuleGet taken(uint64_t time_ns, uint32_t pid, uint32_t tid) {
  return {time_ns, pid, tid, "task", {}};
}

std::vector<uint64_t> times(const GetLedger& ledger) {
  std::vector<uint64_t> all;
  for (const ModuleGet& get : ledger.outstanding()) all.push_back(get.time_ns);
  return all;
}

TEST(GetLedger, APutUndoesTheLastGetOfItsThread) {
  GetLedger ledger;
  ledger.get(taken(1, 7, 8));
  ledger.get(taken(2, 7, 8));
  ledger.get(taken(3, 7, 9));
  ledger.put(7, 8);
  EXPECT_EQ(times(ledger), (std::vector<uint64_t>{1, 3}));
  ledger.put(7, 8);
  EXPECT_EQ(times(ledger), (std::vector<uint64_t>{3}));
}

TEST(GetLedger, ElseTheLastOneOfItsProcess) {
  GetLedger ledger;
  ledger.get(taken(1, 5, 5));
  ledger.get(taken(2, 7, 8));
  ledger.get(taken(3, 7, 9));
  ledger.put(7, 7);
  EXPECT_EQ(times(ledger), (std::vector<uint64_t>{1, 2}));
}

TEST(GetLedger, ElseTheOldest) {
  GetLedger ledger;
  ledger.get(taken(1, 5, 5));
  ledger.get(taken(2, 6, 6));
  ledger.put(7, 7);
  EXPECT_EQ(times(ledger), (std::vector<uint64_t>{2}));
}

TEST(GetLedger, APutOfAnEarlierGetIsCounted) {
  GetLedger ledger;
  ledger.put(7, 7);
  ledger.get(taken(1, 7, 7));
  EXPECT_EQ(ledger.gets(), 1U);
  EXPECT_EQ(ledger.puts(), 1U);
  EXPECT_EQ(ledger.puts_of_earlier(), 1U);
  EXPECT_EQ(times(ledger), (std::vector<uint64_t>{1}));
}

TEST(GetLedger, IsBounded) {
  GetLedger ledger(2);
  for (uint64_t i = 0; i < 5; i++) ledger.get(taken(i, 1, 1));
  EXPECT_EQ(times(ledger), (std::vector<uint64_t>{0, 1}));
  EXPECT_EQ(ledger.not_remembered(), 3U);
  EXPECT_EQ(ledger.gets(), 5U);
}

}  // namespace
}  // namespace raceless
