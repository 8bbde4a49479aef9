// SPDX-License-Identifier: GPL-2.0
// What a recorded run writes down, and what a replay holds against it.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <fstream>

#include "../host/case_file.h"
#include "../host/recording.h"
#include "../host/replay.h"

namespace raceless::vm {
namespace {

namespace fs = std::filesystem;

class RecordingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "raceless-test-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    for (const char* file : {"vmlinuz", "initramfs", "recording", "console.log", "case.json"})
      write(file, file);
    write("deep/result", "a result");
    write("replay/console.log", "not this one");
    recording_.kernel = "6.12";
    recording_.qemu = "QEMU 7.2";
    recording_.firmware = "f";
    recording_.machine.smp = 1;
    recording_.machine.append = {"a=1", "b"};
    recording_.limit_s = 7;
    recording_.timed_out = true;
    recording_.verdict = "PANIC";
    recording_.cause = "BUG";
    recording_.instructions = 2461687021;
    recording_.inputs = *digest_inputs(folder_);
    recording_.outputs = *digest_outputs(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name) << text;
  }
  [[nodiscard]] std::string why_not() const {
    return why_not_here(recording_, "QEMU 7.2", "f", *digest_inputs(folder_));
  }
  static bool has(const Argv& argv, const std::string& part) {
    return std::any_of(argv.begin(), argv.end(), [&](const std::string& word) {
      return word.find(part) != std::string::npos;
    });
  }

  fs::path folder_;
  Recording recording_;
};

TEST_F(RecordingTest, OutputsAreWhatTheGuestLeft) {
  ASSERT_EQ(recording_.outputs.size(), 2u);
  EXPECT_TRUE(recording_.outputs.contains("console.log"));
  EXPECT_TRUE(recording_.outputs.contains("deep/result"));
}

TEST_F(RecordingTest, WhatIsWrittenIsRead) {
  ASSERT_TRUE(write_recording(recording_, folder_).has_value());
  auto read = read_recording(folder_);
  ASSERT_TRUE(read.has_value()) << read.error().message();
  EXPECT_EQ(read->machine.append, recording_.machine.append);
  EXPECT_EQ(read->inputs, recording_.inputs);
  EXPECT_EQ(read->limit_s, 7u);
  EXPECT_TRUE(read->timed_out);
  EXPECT_TRUE(differences(recording_, *read).empty());
}

TEST_F(RecordingTest, AFolderWithoutOneOrWithADamagedOneIsRefused) {
  EXPECT_NE(read_recording(folder_).error().context.find("holds no recording"), std::string::npos);
  for (const char* text : {"", "{}", "{\"schema\": 2}", "{\"schema\": 1, \"kernel\": 6}"}) {
    write("recording.json", text);
    EXPECT_NE(read_recording(folder_).error().context.find("damaged"), std::string::npos) << text;
  }
}

TEST_F(RecordingTest, AReplayNeedsTheSameQemuFirmwareAndFiles) {
  EXPECT_EQ(why_not(), "");
  auto found = *digest_inputs(folder_);
  EXPECT_NE(why_not_here(recording_, "QEMU 8", "f", found).find("recorded with QEMU 7.2"),
            std::string::npos);
  EXPECT_NE(why_not_here(recording_, "QEMU 7.2", "g", found).find("firmware"), std::string::npos);
  write("initramfs", "another");
  EXPECT_NE(why_not().find("initramfs is not the one"), std::string::npos);
  fs::remove(folder_ / "recording");
  EXPECT_FALSE(digest_inputs(folder_).has_value());
}

TEST_F(RecordingTest, EachDifferenceIsNamed) {
  Recording replayed = recording_;
  EXPECT_TRUE(differences(recording_, replayed).empty());
  replayed.instructions = 2461687022;
  EXPECT_EQ(differences(recording_, replayed),
            std::vector<std::string>{
                "the recording ended at instruction 2461687021, the replay at 2461687022"});
  replayed = recording_;
  replayed.cause = "another";
  EXPECT_EQ(differences(recording_, replayed).size(), 1u);
  replayed = recording_;
  replayed.outputs["console.log"] = "0";
  replayed.outputs["more"] = "0";
  replayed.outputs.erase("deep/result");
  EXPECT_EQ(
      differences(recording_, replayed),
      (std::vector<std::string>{"console.log differs", "deep/result is missing", "more is new"}));
}

TEST_F(RecordingTest, AReplayIsOfThisHostOrNotAtAll) {
  ASSERT_TRUE(write_recording(recording_, folder_).has_value());
  auto replayed = replay({}, {folder_, "", false});
  ASSERT_FALSE(replayed.has_value());
  EXPECT_NE(replayed.error().context.find("recorded with QEMU 7.2"), std::string::npos);
}

TEST_F(RecordingTest, RecordAndReplayAreOneMachine) {
  Machine machine = recording_.machine;
  machine.results_disk = true;
  machine.tape = Tape::Record;
  Argv recorded = machine.command();
  EXPECT_TRUE(has(recorded, "rr=record"));
  EXPECT_TRUE(has(recorded, "thread=single"));
  EXPECT_TRUE(has(recorded, "isa-debugcon"));
  EXPECT_TRUE(has(recorded, "nokaslr preempt=full a=1 b"));
  EXPECT_FALSE(has(recorded, "nvme"));
  EXPECT_FALSE(has(recorded, "-gdb"));
  machine.tape = Tape::Replay;
  Argv replayed = machine.command();
  for (std::string& word : replayed)
    if (auto at = word.find("rr=replay"); at != std::string::npos) word.replace(at, 9, "rr=record");
  EXPECT_EQ(recorded, replayed);
  machine.debugger = "tcp:127.0.0.1:1234";
  EXPECT_TRUE(has(machine.command(), "-S"));
  machine.tape = Tape::None;
  machine.debugger.clear();
  EXPECT_FALSE(has(machine.command(), "icount"));
}

TEST_F(RecordingTest, ACaseAsksForReplays) {
  auto file = parse_case("x.sh", "# replays: 3\n# timeout: 10\n");
  ASSERT_TRUE(file.has_value());
  RunSpec spec;
  apply_case(*file, {}, spec);
  EXPECT_TRUE(spec.record);
  EXPECT_EQ(spec.replays, 3u);
  EXPECT_EQ(spec.timeout_s, 40u);
  EXPECT_FALSE(parse_case("x.sh", "# replays: 0\n").has_value());
}

}  // namespace
}  // namespace raceless::vm
