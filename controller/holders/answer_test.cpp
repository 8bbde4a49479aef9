// SPDX-License-Identifier: GPL-2.0
#include "holders/answer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace raceless {
namespace {

bool says(const Answer& answer, const std::string& text) {
  return answer.text().find(text) != std::string::npos;
}

Answer held() {
  Answer answer;
  answer.module = "romfs";
  answer.references = 3;
  answer.holders.push_back({"mount",
                            "romfs (7:0) mounted on /mnt",
                            1,
                            {{"type", 1}},
                            {{12, "cat", "fd 3", "/mnt/file"}},
                            "umount /mnt"});
  answer.elapsed_ns = 5;
  return answer;
}

TEST(Answer, TheSumIsNamedAndUnknown) {
  const Answer answer = held();
  EXPECT_EQ(answer.named(), 1);
  EXPECT_EQ(answer.unknown(), 2);
  EXPECT_EQ(answer.text(),
            "romfs: 3 references = 1 named + 2 unknown\n"
            "    1  mount: romfs (7:0) mounted on /mnt\n"
            "         by cat[12] fd 3 /mnt/file\n"
            "         -> umount /mnt\n"
            "2 unknown: taken by the kernel's own code, for something that is not looked at "
            "(docs/holders.md), or never put\n"
            "         -> raceless holders romfs --record, while they are taken\n");
  const nlohmann::json json = answer.json();
  EXPECT_EQ(json.at("references"), 3);
  EXPECT_EQ(json.at("named"), 1);
  EXPECT_EQ(json.at("unknown"), 2);
  EXPECT_EQ(json.at("holders").at(0).at("users").at(0).at("path"), "/mnt/file");
  EXPECT_TRUE(json.at("recording").is_null());
}

// Any user gives any name to a process or a file, and root reads it.
TEST(Answer, NamesCannotMoveTheCursor) {
  Answer answer = held();
  answer.holders[0].what = "romfs mounted on /mnt\x1b[2J\n";
  answer.holders[0].remedy = "umount /mnt\x1b[2J\n";
  answer.holders[0].users = {{12, "\x1b]0;cat", "fd 3", "/mnt/\xff\r"}};
  answer.runners = {{{12, 12, "\x1b]0;cat"}, {"f\x1b"}}};
  EXPECT_EQ(answer.text().find_first_of("\x1b\r\xff"), std::string::npos);
  EXPECT_TRUE(says(answer, "by \\x1b]0;cat[12] fd 3 /mnt/\\xff\\x0d\n"));
  EXPECT_TRUE(says(answer, "-> umount /mnt\\x1b[2J\\x0a\n"));
}

TEST(Answer, NothingIsSaidPlainly) {
  Answer answer;
  answer.module = "romfs";
  answer.references = 0;
  EXPECT_EQ(answer.text(), "romfs: no references\n");
  answer.references.reset();
  EXPECT_TRUE(says(answer, "its exit has begun"));
  EXPECT_TRUE(answer.json().at("references").is_null());
  EXPECT_TRUE(answer.json().at("unknown").is_null());
}

TEST(Answer, WhatDoesNotAddUpIsSaid) {
  Answer answer = held();
  answer.references = 0;
  EXPECT_TRUE(says(answer, "0 references = 1 named + -1 unknown"));
  EXPECT_TRUE(says(answer, "some went while we looked"));
  answer.references = 1;
  EXPECT_TRUE(says(answer, "1 reference = 1 named + 0 unknown"));
  EXPECT_FALSE(says(answer, "--record"));
  answer.changing = true;
  EXPECT_TRUE(says(answer, "the count changed while we looked"));
}

TEST(Answer, ACrowdOfUsersIsCounted) {
  Answer answer = held();
  for (uint32_t pid = 100; pid < 120; pid++)
    answer.holders[0].users.push_back({pid, "cat", "fd 3", ""});
  EXPECT_TRUE(says(answer, "by cat[106] fd 3\n         and 13 more\n"));
  EXPECT_EQ(answer.json().at("holders").at(0).at("users").size(), 21U);
}

TEST(Answer, CandidatesAreUncertain) {
  Answer answer = held();
  answer.runners.push_back({{44, 45, "worker"}, {"read+0x1 [romfs]"}});
  Recording recording{2'000'000'000, 5, 3, 1, 0, {}};
  recording.candidates.push_back(
      {2, {"leak+0x5 [romfs]"}, {{8, 8, "thread", false}}, 1'500'000'000, false});
  recording.candidates.push_back({1, {}, {{12, 12, "cat"}}, 1'000'000'000, true});
  answer.recording = recording;
  EXPECT_TRUE(says(answer,
                   "tasks that are in it now, with references or without:\n"
                   "       worker[44] thread 45\n         read+0x1 [romfs]\n"));
  EXPECT_TRUE(says(answer,
                   "recorded for 2.00 s: 5 gets, 3 puts, 1 of them of earlier gets; none "
                   "lost\ngets without a put; uncertain"))
      << answer.text();
  EXPECT_TRUE(says(answer,
                   "    2  by thread[8] (exited); the oldest 1.50 s ago\n"
                   "         leak+0x5 [romfs]\n"));
  EXPECT_TRUE(says(answer, "cat[12]; 1.00 s ago; likely one of those named above"));
  EXPECT_FALSE(says(answer, "-> raceless holders romfs --record"));
  const nlohmann::json json = answer.json();
  EXPECT_EQ(json.at("recording").at("candidates").at(0).at("takers").at(0).at("alive"), false);
  EXPECT_EQ(json.at("runners").at(0).at("task").at("tid"), 45);
}

TEST(Answer, WhatIsLostOrNotSeenIsSaid) {
  Answer answer = held();
  answer.providers = {"a", "b"};
  answer.missing = {"all mounts: because"};
  answer.recording = Recording{1, 1, 1, 0, 7, {}};
  EXPECT_TRUE(says(answer, "romfs (provides a, b): "));
  EXPECT_TRUE(says(answer, "7 lost, so that"));
  EXPECT_TRUE(says(answer, "no get without a put\n"));
  EXPECT_TRUE(says(answer, "not seen: all mounts: because\n"));
}

}  // namespace
}  // namespace raceless
