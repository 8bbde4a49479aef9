// SPDX-License-Identifier: GPL-2.0
// /proc/raceless_holders: each reference of each descriptor, and whose it is.
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>

#include "child.h"
#include "holders/registry_holders.h"
#include "registry.h"
#include "text_file.h"

namespace raceless {
namespace {

class Holding : public Registry {
 protected:
  void SetUp() override {
    Registry::SetUp();
    ASSERT_EQ(modprobe("raceless_sample_null"), 0);
    ASSERT_EQ(modprobe("raceless_sample_codec"), 0);
  }

  static std::map<std::string, RegistryHolders> holders() {
    return parse_registry_holders(read_text(RACELESS_HOLDERS_FILE).value()).value();
  }
  static uint64_t held_by(const std::string& name, pid_t pid) {
    const std::map<std::string, RegistryHolders> all = holders();
    const auto found = all.find(name);
    if (found == all.end()) return 0;
    for (const RegistryHolder& holder : found->second.descriptors)
      if (holder.pid == static_cast<uint64_t>(pid)) return holder.references;
    return 0;
  }
};

TEST_F(Holding, EachDescriptorIsNamed) {
  EXPECT_TRUE(holders().empty());
  Device first = open(), second = open();
  const GetResult<Got> got = first.get("null", kLong);
  ASSERT_EQ(code(got), 0);
  ASSERT_EQ(code(first.get("null", kLong)), 0);
  ASSERT_EQ(code(first.get("codec", kLong)), 0);
  ASSERT_EQ(code(second.get("null", kLong)), 0);
  EXPECT_EQ(held_by("null", getpid()), 3U);
  EXPECT_EQ(held_by("codec", getpid()), 1U);
  EXPECT_EQ(holders().at("null").descriptors.size(), 1U);
  EXPECT_EQ(holders().at("null").descriptors.at(0).comm, "registry_test");
  const std::string text = read_text(RACELESS_HOLDERS_FILE).value();
  EXPECT_NE(text.find("null " + std::to_string(got->grant.instance) + " " +
                      std::to_string(getpid()) + " " + std::to_string(got->ref) + " 0 "),
            std::string::npos)
      << text;
  ASSERT_EQ(code(first.put(got->ref)), 0);
  EXPECT_EQ(held_by("null", getpid()), 2U);
}

TEST_F(Holding, EndsWithItsProcess) {
  Child child([] {
    Device device = Device::open().value();
    if (code(device.get("null", kLong)) != 0) return 1;
    pause();
    return 0;
  });
  Device device = open();
  ASSERT_TRUE(eventually([] { return holders()["null"].descriptors.size() == 1; }));
  EXPECT_EQ(held_by("null", getpid()), 0U);
  ASSERT_EQ(code(device.get("null", kLong)), 0);
  EXPECT_EQ(holders().at("null").descriptors.size(), 2U);
  child.kill();
  EXPECT_EQ(holders().at("null").descriptors.size(), 1U);
  EXPECT_EQ(held_by("null", getpid()), 1U);
}

// A process calls itself what it likes.
TEST_F(Holding, AnyNameIsOneWord) {
  prctl(PR_SET_NAME, "a\r\v\x1b \\\xc3\xa4");
  Device odd = open();
  prctl(PR_SET_NAME, "");
  Device nameless = open();
  prctl(PR_SET_NAME, "registry_test");
  ASSERT_EQ(code(odd.get("null", kLong)), 0);
  ASSERT_EQ(code(nameless.get("codec", kLong)), 0);
  EXPECT_EQ(holders().at("null").descriptors.at(0).comm, "a\\015\\013\\033\\040\\134\\303\\244");
  EXPECT_EQ(holders().at("codec").descriptors.at(0).comm, "");
}

// A descriptor may have as many as RACELESS_MAX_REFS_PER_FD.
TEST_F(Holding, NoneIsLeftOut) {
  Device device = open();
  for (int i = 0; i < RACELESS_MAX_REFS_PER_FD; i++)
    ASSERT_EQ(code(device.get("null", kLong)), 0) << i;
  EXPECT_EQ(held_by("null", getpid()), uint64_t{RACELESS_MAX_REFS_PER_FD});
  EXPECT_EQ(registry_holders_of("null", StateFile::read().value())->in_kernel, 0U);
}

TEST_F(Holding, OnlyRootReadsIt) {
  Child plain([] {
    if (setuid(65534) != 0) return 99;
    const Result<std::string> text = read_text(RACELESS_HOLDERS_FILE);
    return text ? 0 : text.error().code;
  });
  EXPECT_EQ(plain.status(), EACCES);
}

}  // namespace
}  // namespace raceless
