// SPDX-License-Identifier: GPL-2.0
// A pass needs every proof: each test takes one away from a run that has them all.
#include "../host/verdict.h"

#include <gtest/gtest.h>

#include "../wire.h"

namespace raceless::vm {
namespace {

Evidence passing() {
  Evidence seen;
  seen.started = seen.ended = seen.console_complete = true;
  seen.status = 0;
  seen.boots = 1;
  seen.taint = allowed_taint;
  seen.bytes_sent = seen.bytes_received = 10;
  seen.qemu_status = wire::qemu_exit_status(0);
  return seen;
}

const Splat warning{SplatClass::Splat, 1, "WARNING: CPU: 0 PID: 1 at a.c:1"};
const Splat oops{SplatClass::Oops, 1, "BUG: kernel NULL pointer dereference"};
const Splat panic{SplatClass::Panic, 2, "Kernel panic - not syncing: Fatal exception"};

TEST(Verdict, NothingSeenIsNoPass) { EXPECT_EQ(judge({}).verdict, Verdict::Infra); }

TEST(Verdict, EverythingSeenIsAPass) { EXPECT_EQ(judge(passing()).verdict, Verdict::Pass); }

TEST(Verdict, DeathBeforeInitIsTheHostsProblem) {
  Evidence seen = passing();
  seen.started = seen.ended = false;
  seen.splats = {panic};
  seen.boots = 4;
  Judgement judgement = judge(seen);
  EXPECT_EQ(judgement.verdict, Verdict::Infra);
  EXPECT_NE(judgement.cause.find("4 times"), std::string::npos);
}

TEST(Verdict, AGuestThatGoesAwayHasFailed) {
  Evidence seen = passing();
  seen.ended = false;
  seen.qemu_status = 0;
  EXPECT_EQ(judge(seen).verdict, Verdict::Fail);
}

TEST(Verdict, AGuestThatGoesAwayIsSaidToHaveSwitchedOffOrReset) {
  Evidence seen = passing();
  seen.ended = false;
  seen.qemu_status = 0;
  EXPECT_NE(judge(seen).cause.find("went away"), std::string::npos);
  seen.shutdown = "guest-reset";
  EXPECT_NE(judge(seen).cause.find("the guest reset itself"), std::string::npos);
  seen.shutdown = "guest-shutdown";
  EXPECT_NE(judge(seen).cause.find("the guest switched itself off"), std::string::npos);
}

TEST(Verdict, AnEmulatorThatCrashesIsTheHostsProblem) {
  Evidence seen = passing();
  seen.ended = false;
  seen.qemu_status = 128 + 11;
  EXPECT_EQ(judge(seen).verdict, Verdict::Infra);
}

TEST(Verdict, APanicIsNamedWithWhatLedToIt) {
  Evidence seen = passing();
  seen.ended = false;
  seen.qemu_status = 0;
  seen.splats = {oops, panic};
  Judgement judgement = judge(seen);
  EXPECT_EQ(judgement.verdict, Verdict::Panic);
  EXPECT_EQ(judgement.cause, oops.text + "; " + panic.text);
}

TEST(Verdict, APanicBeatsATimeoutAndAnEndRecord) {
  Evidence seen = passing();
  seen.splats = {panic};
  EXPECT_EQ(judge(seen).verdict, Verdict::Panic);
  seen.ended = false;
  seen.timed_out = true;
  EXPECT_EQ(judge(seen).verdict, Verdict::Panic);
}

TEST(Verdict, AnOopsThatEndedTheGuestSilentlyIsAPanic) {
  Evidence seen = passing();
  seen.ended = false;
  seen.qemu_status = 0;
  seen.splats = {oops};
  EXPECT_EQ(judge(seen).verdict, Verdict::Panic);
}

TEST(Verdict, ATimeoutSaysHowLongAndWhatWasLast) {
  Evidence seen = passing();
  seen.ended = false;
  seen.timed_out = true;
  seen.limit_s = 7;
  seen.last_words = "the last line";
  Judgement judgement = judge(seen);
  EXPECT_EQ(judgement.verdict, Verdict::Timeout);
  EXPECT_EQ(judgement.cause, "no end after 7 s; last on the console: the last line");
}

TEST(Verdict, ASplatBeatsTheExitStatus) {
  Evidence seen = passing();
  seen.splats = {warning};
  seen.status = 1;
  EXPECT_EQ(judge(seen).verdict, Verdict::Splat);
}

TEST(Verdict, EveryForbiddenTaintIsASplat) {
  for (int bit = 0; bit < 64; ++bit) {
    Evidence seen = passing();
    seen.taint = std::uint64_t{1} << bit;
    bool allowed = bit == 12 || bit == 13;
    EXPECT_EQ(judge(seen).verdict, allowed ? Verdict::Pass : Verdict::Splat) << bit;
  }
}

TEST(Verdict, AnAllowedWarningMayTaint) {
  Evidence seen = passing();
  seen.taint |= 0x200;
  EXPECT_EQ(judge(seen).verdict, Verdict::Splat);
  seen.allowed_warnings = 1;
  EXPECT_EQ(judge(seen).verdict, Verdict::Pass);
}

TEST(Verdict, AnothersBugIsNamedInAPass) {
  Evidence seen = passing();
  seen.taint |= 0x200;
  seen.foreign = {{"BUG: KCSAN: data-race in a / b", 2}};
  Judgement judgement = judge(seen);
  EXPECT_EQ(judgement.verdict, Verdict::Pass);
  EXPECT_NE(judgement.cause.find("not ours: BUG: KCSAN: data-race in a / b (2 times)"),
            std::string::npos);
}

TEST(Verdict, ProofsThatDisagreeAreTheHostsProblem) {
  Evidence seen = passing();
  seen.qemu_status = 0;
  EXPECT_EQ(judge(seen).verdict, Verdict::Infra);
  seen = passing();
  seen.console_complete = false;
  EXPECT_EQ(judge(seen).verdict, Verdict::Infra);
  seen = passing();
  seen.bytes_received = 9;
  EXPECT_EQ(judge(seen).verdict, Verdict::Infra);
  seen = passing();
  seen.wire_damage = "a wrong checksum";
  EXPECT_EQ(judge(seen).verdict, Verdict::Infra);
  seen = passing();
  seen.results = "lost: no disk";
  EXPECT_EQ(judge(seen).verdict, Verdict::Infra);
  seen = passing();
  seen.results_error = "damaged";
  EXPECT_EQ(judge(seen).verdict, Verdict::Infra);
  seen = passing();
  seen.broken_guest = "no command";
  EXPECT_EQ(judge(seen).verdict, Verdict::Infra);
}

TEST(Verdict, AFailedCommandFails) {
  Evidence seen = passing();
  seen.status = 3;
  seen.qemu_status = wire::qemu_exit_status(3);
  EXPECT_EQ(judge(seen).verdict, Verdict::Fail);
  EXPECT_EQ(judge(seen).cause, "exit status 3");
  seen.last_error = "tool: no such file";
  EXPECT_EQ(judge(seen).cause, "exit status 3; tool: no such file");
  seen.ktap = read_ktap("KTAP version 1\n1..1\nnot ok 1 - a\n");
  EXPECT_NE(judge(seen).cause.find("tests failed"), std::string::npos);
}

TEST(Verdict, BadKtapFailsWhenItIsDemanded) {
  Evidence seen = passing();
  seen.ktap = read_ktap("KTAP version 1\n1..1\n");
  EXPECT_EQ(judge(seen).verdict, Verdict::Fail);
  seen.ktap = read_ktap("KTAP version 1\n1..1\nok 1 - a\n");
  EXPECT_EQ(judge(seen).verdict, Verdict::Pass);
}

TEST(Verdict, NumbersMustAgreeWhereTheyAreCompared) {
  Evidence seen = passing();
  seen.audited = true;
  EXPECT_EQ(judge(seen).verdict, Verdict::Fail);  // nobody has compared them
  seen.numbers = "numbers disagree: gets: /proc/raceless 1231, tracepoints 1230";
  const Judgement judgement = judge(seen);
  EXPECT_EQ(judgement.verdict, Verdict::Fail);
  EXPECT_EQ(judgement.cause, seen.numbers);
  seen.numbers = "agree: 97 numbers compared";
  EXPECT_EQ(judge(seen).verdict, Verdict::Pass);
  EXPECT_NE(judge(seen).cause.find("97"), std::string::npos);
}

TEST(Verdict, AFloodFails) {
  Evidence seen = passing();
  seen.ended = false;
  seen.flooded = true;
  seen.most_said = "99 % of it: noise";
  EXPECT_EQ(judge(seen).verdict, Verdict::Fail);
  EXPECT_NE(judge(seen).cause.find("noise"), std::string::npos);
  seen.splats = {warning};
  EXPECT_NE(judge(seen).cause.find("first: " + warning.text), std::string::npos);
  seen.splats = {panic};
  EXPECT_EQ(judge(seen).verdict, Verdict::Panic);
}

TEST(Verdict, NamesGoBothWays) {
  for (const char* name : {"PASS", "FAIL", "SPLAT", "PANIC", "TIMEOUT", "INFRA"})
    EXPECT_STREQ(name_of(*verdict_named(name)), name);
  EXPECT_FALSE(verdict_named("pass"));
}

TEST(Verdict, TaintsHaveWords) {
  EXPECT_EQ(describe_taint(0x280), "D (an oops or BUG), W (a warning)");
  EXPECT_EQ(describe_taint(1ull << 40), "bit 40");
}

}  // namespace
}  // namespace raceless::vm
