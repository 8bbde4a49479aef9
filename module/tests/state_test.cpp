// SPDX-License-Identifier: GPL-2.0
// /proc/raceless as a file, and the module that shows it.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "file_descriptor.h"
#include "module_loader.h"
#include "registry.h"

namespace raceless {
namespace {

constexpr int kNames = 300;

class State : public Registry {};

// A reader of its own pace.
class Reader {
 public:
  explicit Reader(size_t chunk)
      : fd_(::open(RACELESS_STATE_FILE, O_RDONLY | O_CLOEXEC)), buffer_(chunk, '\0') {}

  // One read; false at the end.
  bool step() {
    const ssize_t bytes = read(fd_.get(), buffer_.data(), buffer_.size());
    if (bytes > 0) text_.append(buffer_.data(), static_cast<size_t>(bytes));
    return bytes > 0;
  }

  void rewind() {
    lseek(fd_.get(), 0, SEEK_SET);
    text_.clear();
  }

  const std::string& text() const { return text_; }

 private:
  FileDescriptor fd_;
  std::string buffer_;
  std::string text_;
};

void expect_each_name_once(const std::string& text) {
  const Result<StateFile> file = StateFile::parse(text);
  ASSERT_EQ(code(file), 0);
  std::multiset<std::string> names;
  for (const SlotState& slot : file->slots()) names.insert(slot.text("name"));
  EXPECT_EQ(names.size(), size_t{kNames});
  for (int i = 0; i < kNames; i++) EXPECT_EQ(names.count("probe" + std::to_string(i)), 1U) << i;
}

TEST_F(State, TwoReadersAtTheirOwnPace) {
  ModprobeLine options("options raceless_probe nr=" + std::to_string(kNames));
  ASSERT_EQ(modprobe("raceless_probe"), 0);
  Reader slow(97), quick(8192);
  for (bool more = true; more;) {
    more = slow.step();
    more |= quick.step();
  }
  expect_each_name_once(slow.text());
  expect_each_name_once(quick.text());
  quick.rewind();
  while (quick.step()) continue;
  expect_each_name_once(quick.text());
}

// Slots come and go under a reader that stands in the middle.
TEST_F(State, ReaderOfAChangingTable) {
  ModprobeLine options("options raceless_probe nr=" + std::to_string(kNames));
  for (int i = 0; i < 5; i++) {
    Reader before(97), during(97);
    ASSERT_EQ(modprobe("raceless_probe"), 0);
    for (int steps = 0; steps < 100; steps++) during.step();
    ASSERT_TRUE(eventually([] { return delete_module("raceless_probe") == 0; }));
    while (during.step() || before.step()) continue;
    EXPECT_EQ(code(StateFile::parse(before.text())), 0);
  }
}

TEST_F(State, ModuleGoesAndComesBack) {
  for (int i = 0; i < 3; i++) {
    {
      Device device = open();
      ASSERT_EQ(code(device.get("null", kLong)), 0);
      EXPECT_EQ(delete_module("raceless"), EWOULDBLOCK);
    }
    ASSERT_TRUE(eventually([] { return delete_module("raceless_sample_null") == 0; }));
    ASSERT_TRUE(eventually([] { return delete_module("raceless") == 0; }));
    EXPECT_NE(access(RACELESS_DEVICE, F_OK), 0);
    EXPECT_NE(access(RACELESS_STATE_FILE, F_OK), 0);
    ASSERT_EQ(modprobe("raceless"), 0);
    mark();
    EXPECT_EQ(total("gets"), 0U);
  }
}

// Its exit waits for a modprobe that it runs for nobody any more.
TEST_F(State, ModuleGoesWithAFlightInTheAir) {
  ModprobeLine install("install raceless-slow /bin/sleep 4");
  {
    Device device = open();
    EXPECT_EQ(code(device.get("slow", 50 * kMillisecond)), ETIMEDOUT);
    EXPECT_EQ(column("slow", "flying"), 1U);
  }
  EXPECT_EQ(delete_module("raceless"), 0);
  EXPECT_EQ(modprobe("raceless"), 0);
}

}  // namespace
}  // namespace raceless
