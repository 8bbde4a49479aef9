// SPDX-License-Identifier: GPL-2.0
#include "../host/qemu.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "../host/process.h"

namespace raceless::vm {
namespace {

namespace fs = std::filesystem;

// A host with a QEMU in host/, and a cache with one; vm/qemu is the tree's own.
class Qemu : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "raceless-test-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    top_ = name;
    path_ = std::getenv("PATH");
    // Without the host's own QEMU, and without a proxy or a mirror that answers.
    fs::create_directories(top_ / "host");
    setenv("PATH", ((top_ / "host").string() + ":/usr/bin:/bin").c_str(), 1);
    const char* cache = std::getenv("XDG_CACHE_HOME");
    cache_ = cache ? cache : "";
    setenv("XDG_CACHE_HOME", (top_ / "cache").c_str(), 1);
  }
  void TearDown() override {
    setenv("PATH", path_.c_str(), 1);
    cache_.empty() ? unsetenv("XDG_CACHE_HOME") : setenv("XDG_CACHE_HOME", cache_.c_str(), 1);
    fs::remove_all(top_);
  }

  void write(const fs::path& path, const std::string& text) const {
    fs::create_directories((top_ / path).parent_path());
    std::ofstream(top_ / path) << "#!/bin/sh\n" << text << '\n';
    fs::permissions(top_ / path, fs::perms::owner_all);
  }
  void install(const fs::path& folder, const std::string& version) const {
    write(folder / qemu, "echo 'QEMU emulator version " + version + " (Debian)'");
  }
  [[nodiscard]] std::string version_chosen() const {
    if (auto chosen = choose_qemu(fs::path(VM_SOURCE).parent_path()); !chosen)
      return chosen.error().message();
    return qemu_version().value_or("none");
  }

  fs::path top_;
  std::string path_;
  std::string cache_;
};

TEST_F(Qemu, OfTheHostIsTakenIfItIsNewEnough) {
  install("cache/raceless/qemu", "10.0.2");
  install("host", "8.1.0");
  EXPECT_EQ(version_chosen(), "QEMU emulator version 8.1.0 (Debian)");
  install("host", "10.1.0");
  EXPECT_EQ(version_chosen(), "QEMU emulator version 10.1.0 (Debian)");
}

TEST_F(Qemu, OfTheCacheIsTakenIfTheHostsIsOlder) {
  install("cache/raceless/qemu", "10.0.2");
  install("host", "7.2.22");
  EXPECT_EQ(version_chosen(), "QEMU emulator version 10.0.2 (Debian)");
  install("host", "8.0.5");
  EXPECT_EQ(version_chosen(), "QEMU emulator version 10.0.2 (Debian)");
}

TEST_F(Qemu, OfTheHostHasToDoIfTheCachedOneDoesNotStart) {
  write("cache/raceless/qemu/" + std::string(qemu), "exit 127");
  install("host", "7.2.22");
  EXPECT_EQ(version_chosen(), "QEMU emulator version 7.2.22 (Debian)");
}

TEST_F(Qemu, TheChoiceMayFail) {
  write("tree/vm/qemu", "echo /somewhere; exit 4");
  const Status failed = choose_qemu(top_ / "tree");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message(), "no QEMU: vm/qemu failed (exit 4)");
  EXPECT_FALSE(choose_qemu(top_ / "nowhere"));
}

}  // namespace
}  // namespace raceless::vm
