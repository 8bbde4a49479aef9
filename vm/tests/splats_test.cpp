// SPDX-License-Identifier: GPL-2.0
// Each log in logs/ has beside it the complaints that vm/splats must find in it, and no others.
#include "../host/splats.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace raceless::vm {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

SplatRules rules() {
  auto loaded = SplatRules::load(fs::path(VM_SOURCE) / "splats");
  EXPECT_TRUE(loaded.has_value()) << loaded.error().message();
  return std::move(*loaded);
}

std::string found(const SplatRules& with, const std::string& log) {
  std::string text;
  for (const Splat& s : with.scan(log).splats)
    text += std::string(name_of(s.which)) + " " + s.describe() + "\n";
  return text;
}

TEST(Splats, FixturesGiveWhatTheySay) {
  SplatRules with = rules();
  int logs = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(VM_SOURCE) / "tests/logs")) {
    const fs::path& log = entry.path();
    if (log.extension() != ".log") continue;
    ++logs;
    fs::path expected = log;
    expected.replace_extension(".expect");
    ASSERT_TRUE(fs::exists(expected)) << expected;
    EXPECT_EQ(found(with, read(log)), read(expected)) << log;
  }
  EXPECT_GE(logs, 8);
}

TEST(Splats, SaysInWhichLine) {
  auto scan = rules().scan("[    0.1] a\n[    0.2] b\n[    0.3] BUG: c\n");
  ASSERT_EQ(scan.splats.size(), 1u);
  EXPECT_EQ(scan.splats[0].line, 3u);
}

TEST(Splats, TimeStampsAndCallersAreNoPartOfAMessage) {
  EXPECT_EQ(message_of("[    1.000001] text\r\n"), "text");
  EXPECT_EQ(message_of("[    1.000001][  T131] text"), "text");
  EXPECT_EQ(message_of("[    1.000001][    C0]  two spaces"), " two spaces");
  EXPECT_EQ(message_of("[drm] text"), "[drm] text");
  EXPECT_EQ(message_of("plain"), "plain");
}

TEST(Splats, AnExceptionCoversItsWholeReportAndNothingElse) {
  std::string log = read(fs::path(VM_SOURCE) / "tests/logs/stock-warn.log");
  SplatRules with = rules();
  ASSERT_TRUE(with.allow("^request_module fs-.* succeeded").has_value());
  auto scan = with.scan(log + read(fs::path(VM_SOURCE) / "tests/logs/warn.log"));
  EXPECT_EQ(scan.allowed_warnings, 1u);
  ASSERT_EQ(scan.splats.size(), 2u);
  EXPECT_NE(scan.splats[0].text.find("planted_open"), std::string::npos);
}

TEST(Splats, AnExceptionForATraceCoversNoReport) {
  SplatRules with = rules();
  ASSERT_TRUE(with.allow("^Call Trace:").has_value());
  const std::string warning = read(fs::path(VM_SOURCE) / "tests/logs/warn.log");
  const auto scan = with.scan("[    1.0] Call Trace:\n" + warning);
  ASSERT_EQ(scan.splats.size(), 1u);
  EXPECT_TRUE(scan.splats[0].text.starts_with("WARNING: "));
  EXPECT_EQ(scan.allowed_warnings, 0u);
}

TEST(Splats, AnExceptionCoversNoOtherComplaintInItsReport) {
  SplatRules with = rules();
  ASSERT_TRUE(with.allow("^request_module fs-.* succeeded").has_value());
  const std::string log = read(fs::path(VM_SOURCE) / "tests/logs/stock-warn.log");
  const std::size_t trace = log.find("[    7.920030]");
  const std::string worse = "[    7.920025] BUG: KASAN: use-after-free in f+0x1/0x2\n";
  const auto scan = with.scan(log.substr(0, trace) + worse + log.substr(trace));
  ASSERT_EQ(scan.splats.size(), 1u);
  EXPECT_TRUE(scan.splats[0].text.starts_with("BUG: KASAN: "));
  EXPECT_EQ(scan.allowed_warnings, 0u);
  EXPECT_EQ(with.scan(log.substr(0, trace)).splats.size(), 1u) << "it has no end";
}

TEST(Splats, APlaceIsWhereTheReportSaysForSure) {
  EXPECT_EQ(code_place("RIP: 0010:planted_open+0x1d/0x30 [planted]"),
            "planted_open+0x1d/0x30 [planted]");
  EXPECT_EQ(code_place(" chrdev_open+0xb6/0x230"), "chrdev_open+0xb6/0x230");
  EXPECT_EQ(code_place("Freed in f.part.0+0x1/0x2 [m] age=23 cpu=0 pid=135"),
            "f.part.0+0x1/0x2 [m]");
  EXPECT_EQ(code_place("    [<00000000ab12cd34>] f+0x1/0x2 [m]"), "f+0x1/0x2 [m]");
  for (const char* no : {" ? chrdev_open+0xb6/0x230", "RIP: 0033:0x7feb3b060350", "Call Trace:",
                         "text f+0x1/0x2 [m] text", "Modules linked in: planted(OE)"})
    EXPECT_EQ(code_place(no), "") << no;
}

TEST(Splats, AComplaintGetsThePlaceOfItsOwnReport) {
  auto scan = rules().scan(
      "BUG: a\nRIP: 0010:core+0x1/0x2\nCall Trace:\n one+0x1/0x2 [m]\n two+0x1/0x2 [m]\n"
      "INFO: task b blocked for more than 9 seconds.\n"
      "INFO: task c blocked for more than 9 seconds.\n three+0x1/0x2 [m]\n");
  ASSERT_EQ(scan.splats.size(), 4u);
  EXPECT_EQ(scan.splats[0].describe(), "BUG: a in one+0x1/0x2 [m]");
  EXPECT_EQ(scan.splats[2].place, "");
  EXPECT_EQ(scan.splats[3].place, "three+0x1/0x2 [m]");
}

// The head, frames and end of a report by KCSAN; `frame` is one of it.
std::string race(const std::string& frame) {
  return "==================================================================\n"
         "BUG: KCSAN: data-race in tick_do / tick_sched\n\n"
         "write to 0xffffffff8a4 of 4 bytes by interrupt on cpu 1:\n" +
         frame +
         "\nReported by Kernel Concurrency Sanitizer on:\n"
         "CPU: 1 PID: 0 Comm: raceless Tainted: G           OE      6.12.0 #1\n"
         "==================================================================\n";
}

SplatRules foreign_race() {
  auto parsed = SplatRules::parse(
      "foreign ^BUG: KCSAN: data-race in tick_do / tick_sched\n"
      "foreign ^WARNING: .* at kernel/a\\.c\n"
      "splat ^BUG: \nsplat ^WARNING: \nsplat ^Call Trace:\n",
      "rules");
  EXPECT_TRUE(parsed.has_value());
  return std::move(*parsed);
}

TEST(Splats, AReportOnAnothersBugIsShownAndNoComplaint) {
  const SplatRules with = foreign_race();
  const std::string log = race(" tick_do+0x1/0x2\n") + race(" tick_sched+0x1/0x2 [other]\n") +
                          "------------[ cut here ]------------\nWARNING: CPU: 0 at kernel/a.c:1\n"
                          "Call Trace:\n a+0x1/0x2\n </TASK>\n---[ end trace 0000 ]---\n" +
                          race(" tick_do+0x1/0x2\n");
  const SplatScan scan = with.scan(log);
  EXPECT_TRUE(scan.splats.empty());
  EXPECT_EQ(scan.foreign,
            (std::map<std::string, unsigned>{{"BUG: KCSAN: data-race in tick_do / tick_sched", 3},
                                             {"WARNING: CPU: 0 at kernel/a.c:1", 1}}));
  EXPECT_EQ(with.scan(log + "BUG: b\n").splats.size(), 1u) << "that is no part of a report";
}

TEST(Splats, AModuleUnderTestIsNobodyElses) {
  SplatRules with = foreign_race();
  const std::string log = race(" get+0x1/0x2 [mine]\n");
  EXPECT_TRUE(with.scan(log).splats.empty());
  with.test("mine");
  EXPECT_EQ(with.scan(log).splats.size(), 1u);
  EXPECT_TRUE(with.scan(race(" get+0x1/0x2 [other]\n")).splats.empty());
}

TEST(Splats, AReportThatNamesOurCodeIsOurs) {
  const SplatRules with = foreign_race();
  for (const char* frame :
       {" put+0x1/0x2 [raceless]\n", " raceless_hold+0x1/0x2\n",
        " get+0x1/0x2 [raceless_sample_codec]\n", " bpf_prog_0123456789abcdef_exit+0x1/0x2\n"}) {
    const SplatScan scan = with.scan(race(" tick_do+0x1/0x2\n") + race(frame));
    ASSERT_EQ(scan.splats.size(), 1u) << frame;
    EXPECT_EQ(scan.splats[0].which, SplatClass::Splat);
    EXPECT_EQ(scan.splats[0].line, 11u);
  }
}

TEST(Splats, AForeignReportWithoutItsEndIsAComplaint) {
  const SplatRules with = foreign_race();
  const std::string whole = race(" tick_do+0x1/0x2\n");
  const std::string cut = whole.substr(0, whole.find("Reported by"));
  EXPECT_EQ(with.scan(cut).splats.size(), 1u);
  EXPECT_EQ(with.scan(cut + "------------[ cut here ]------------\n").splats.size(), 1u);
  EXPECT_EQ(with.scan("BUG: KCSAN: data-race in tick_do / tick_sched\n").splats.size(), 1u);
}

TEST(Splats, AComplaintInAForeignReportIsOne) {
  for (const char* line : {"BUG: b\n", "WARNING: CPU: 1\n"})
    EXPECT_EQ(foreign_race().scan(race(line)).splats.size(), 2u) << line;
}

TEST(Splats, LockdepsReportsEndWithTheirTrace) {
  auto with = SplatRules::parse(
      "foreign ^WARNING: suspicious RCU usage\nsplat ^Call Trace:\n"
      "splat ^BUG: \n",
      "rules");
  ASSERT_TRUE(with.has_value());
  const std::string report =
      "=============================\nWARNING: suspicious RCU usage\n"
      "-----------------------------\nstack backtrace:\nCall Trace:\n <TASK>\n"
      " a+0x1/0x2\n </TASK>\n";
  const SplatScan scan = with->scan(report + "BUG: b\n" + report);
  ASSERT_EQ(scan.splats.size(), 1u);
  EXPECT_EQ(scan.splats[0].text, "BUG: b");
  EXPECT_EQ(scan.foreign.at("WARNING: suspicious RCU usage"), 2u);
}

TEST(Splats, AReportThatIsCutOffStillCounts) {
  auto scan = rules().scan("[ 1.0] ------------[ cut here ]------------\n[ 1.1] WARNING: CPU: 0\n");
  EXPECT_EQ(scan.splats.size(), 1u);
}

TEST(Splats, BadRulesAreErrorsThatNameTheLine) {
  for (const char* text : {"splat", "nonsense ^x", "# only a comment\n", "splat ^x\nsplat (\n"}) {
    auto parsed = SplatRules::parse(text, "rules");
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_NE(parsed.error().context.find("rules"), std::string::npos);
  }
  EXPECT_FALSE(rules().allow("(").has_value());
}

bool died(const std::string& log, const std::string& kernel = "6.1.0-56-cloud-amd64",
          const std::string& qemu = "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)") {
  return died_of_vanished_int3(log, kernel, qemu);
}

TEST(Splats, AnInt3ThatMemoryHasIsNotTheEmulators) {
  const std::string oops =
      "[ 89.04] Oops: int3: 0000 [#1] PREEMPT SMP NOPTI\n[ 89.05] RIP: f+0x5\n";
  EXPECT_TRUE(died(oops + "[ 89.06] Code: 66 0f 1f 00 e8 <97> 3d e4\n"));
  EXPECT_FALSE(died(oops + "[ 89.06] Code: 66 0f 1f 00 cc <97> 3d e4\n"));
  EXPECT_FALSE(died(oops + "[ 89.06] Code: Unable to access opcode bytes\n"));
  EXPECT_FALSE(died(oops));
  EXPECT_FALSE(died("[ 1.0] Code: 00 e8 <97> 3d\n"));
}

TEST(Splats, AStallAtAnInt3ThatMemoryHasNotIsTheEmulators) {
  const std::string stall = "[ 59.1] watchdog: BUG: soft lockup - CPU#0 stuck for 53s! [dd:119]\n";
  const std::string begin = "[ 59.1] RIP: 0010:security_file_permission+0x0/0x60\n";
  const std::string inside = "[ 59.1] RIP: 0010:security_file_permission+0x5/0x60\n";
  const std::string code = "[ 59.1] Code: cc cc 0f 1f 40 00 <0f> 1f 44 00 00 41 54\n";
  EXPECT_TRUE(died(stall + begin + code));
  EXPECT_TRUE(died(stall + begin + "[ 59.1] Code: 40 00 <e8> 1b f4 7a f9\n"));
  EXPECT_FALSE(died(stall + begin + "[ 59.1] Code: 40 00 <cc> 1b f4 7a f9\n"));
  EXPECT_FALSE(died(stall + inside + code));
  EXPECT_FALSE(died(stall + begin));
  EXPECT_FALSE(died(stall + code));
  EXPECT_FALSE(died(begin + code)) << "nothing was stuck";
}

TEST(Splats, AnEmulatorThatIsMendedHasNoFault) {
  const std::string oops = "Oops: int3: 0000 [#1] SMP\nCode: 66 0f 1f 00 e8 <97> 3d e4\n";
  const std::string stuck =
      "watchdog: BUG: soft lockup\nRIP: 0010:f+0x0/0x60\nCode: <0f> 1f 44 00 00\n";
  EXPECT_TRUE(died(oops, "6.12.117"));
  EXPECT_FALSE(died(oops, "6.12.117", "QEMU emulator version 8.1.0"));
  EXPECT_FALSE(died(oops, "6.1.0", "QEMU emulator version 10.0.2"));
  EXPECT_TRUE(died(stuck, "6.1.0"));
  EXPECT_FALSE(died(stuck, "6.3.0")) << "a kernel that does not go back";
  EXPECT_FALSE(died(stuck, "6.1.0", "QEMU emulator version 8.1.0"));
}

TEST(Splats, AStallBeforeInitIsToldFromOneAfterIt) {
  const SplatRules known = rules();
  const std::string boot = "[    1.0] Freeing unused memory\n";
  const std::string init = "[    2.0] Run /init as init process\n";
  const std::string stall = "[    3.0] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:\n";
  const std::string warning = "[    3.0] WARNING: CPU: 0 PID: 1 at kernel/x.c:1 x+0x0/0x10\n";
  EXPECT_TRUE(stalled_before_init(known, boot + stall + init));
  EXPECT_FALSE(stalled_before_init(known, boot + init + stall));
  EXPECT_FALSE(stalled_before_init(known, boot + warning + init)) << "that one is no accident";
  EXPECT_FALSE(stalled_before_init(known, boot + stall)) << "there was no init";
}

}  // namespace
}  // namespace raceless::vm
