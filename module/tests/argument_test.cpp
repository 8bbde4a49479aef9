// SPDX-License-Identifier: GPL-2.0
// What /dev/raceless makes of names, sizes, flags and addresses that are not in order.
#include <fcntl.h>
#include <sys/ioctl.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "file_descriptor.h"
#include "registry.h"

namespace raceless {
namespace {

class Argument : public Registry {
 protected:
  void SetUp() override {
    Registry::SetUp();
    fd_ = FileDescriptor(::open(RACELESS_DEVICE, O_RDWR | O_CLOEXEC));
    ASSERT_TRUE(fd_);
  }

  void TearDown() override {
    fd_.reset();
    Registry::TearDown();
  }

  // 0 or an errno.
  int call(unsigned long command, void* argument) {
    return ioctl(fd_.get(), command, argument) == 0 ? 0 : errno;
  }

  int get(const std::string& name) {
    raceless_get request{};
    request.size = sizeof(request);
    request.flags = RACELESS_GET_NOWAIT;
    std::memcpy(request.name, name.data(), std::min<size_t>(name.size(), sizeof(request.name)));
    return call(RACELESS_IOC_GET, &request);
  }

  FileDescriptor fd_;
};

// A raceless_get with room behind it, as a newer user would send.
struct LongGet {
  raceless_get get;
  std::array<uint8_t, 64> more;
};

LongGet long_get(uint32_t size) {
  LongGet request{};
  request.get.size = size;
  request.get.flags = RACELESS_GET_NOWAIT;
  std::strcpy(request.get.name, "absent");
  return request;
}

TEST_F(Argument, NamesOfAllLengths) {
  EXPECT_EQ(get(""), EINVAL);
  EXPECT_EQ(get("a"), ENOENT);
  EXPECT_EQ(get(std::string(RACELESS_NAME_MAX, 'a')), ENOENT);
  EXPECT_EQ(get(std::string(RACELESS_NAME_MAX + 1, 'a')), EINVAL);
  EXPECT_EQ(get(std::string(RACELESS_NAME_SIZE, 'a')), EINVAL) << "without its NUL";
}

TEST_F(Argument, EveryCharacter) {
  for (int c = 1; c < 256; c++) {
    const bool valid = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    EXPECT_EQ(get(std::string("x") + static_cast<char>(c)), valid ? ENOENT : EINVAL) << c;
  }
}

TEST_F(Argument, NamesOfUnloadAndRelease) {
  raceless_unload unload{};
  unload.size = sizeof(unload);
  raceless_release release{};
  release.size = sizeof(release);
  for (const char* name : {"", "Null", "null/../x", "null "}) {
    std::strcpy(unload.name, name);
    std::strcpy(release.name, name);
    EXPECT_EQ(call(RACELESS_IOC_UNLOAD, &unload), EINVAL) << name;
    EXPECT_EQ(call(RACELESS_IOC_RELEASE, &release), EINVAL) << name;
  }
}

TEST_F(Argument, Sizes) {
  for (uint32_t size : {0U, 4U, static_cast<uint32_t>(sizeof(raceless_get)) - 1}) {
    LongGet request = long_get(size);
    EXPECT_EQ(call(RACELESS_IOC_GET, &request), EINVAL) << size;
  }
  LongGet zeros = long_get(sizeof(LongGet));
  EXPECT_EQ(call(RACELESS_IOC_GET, &zeros), ENOENT);
  for (size_t at : {size_t{0}, zeros.more.size() - 1}) {
    LongGet garbage = long_get(sizeof(LongGet));
    garbage.more[at] = 1;
    EXPECT_EQ(call(RACELESS_IOC_GET, &garbage), E2BIG) << at;
  }
  LongGet huge = long_get(UINT32_MAX);
  EXPECT_EQ(call(RACELESS_IOC_GET, &huge), E2BIG);
}

// Nothing is written behind what the kernel knows.
TEST_F(Argument, AnswersEndWithTheStructure) {
  LongGet request = long_get(sizeof(raceless_get));
  request.more.fill(0xa5);
  EXPECT_EQ(call(RACELESS_IOC_GET, &request), ENOENT);
  for (uint8_t byte : request.more) EXPECT_EQ(byte, 0xa5);
}

TEST_F(Argument, FlagsAndReservedFields) {
  raceless_get get{};
  get.size = sizeof(get);
  get.flags = ~RACELESS_GET_NOWAIT;
  get.reason = get.ref = 77;
  get.instance = 77;
  std::strcpy(get.name, "null");
  EXPECT_EQ(call(RACELESS_IOC_GET, &get), EINVAL);
  EXPECT_EQ(get.reason + get.ref + get.instance, 0U) << "an output kept what was in it";

  raceless_call by_name{};
  by_name.size = sizeof(by_name);
  std::strcpy(by_name.name, "null");
  by_name.op = RACELESS_NULL_OP_CHECK;
  for (const auto& [flags, ref, reserved] :
       {std::array{1U << 31, 0U, 0U}, std::array{RACELESS_CALL_BY_NAME, 1U, 0U},
        std::array{RACELESS_CALL_BY_NAME, 0U, 1U}}) {
    by_name.flags = flags;
    by_name.ref = ref;
    by_name.reserved = reserved;
    EXPECT_EQ(call(RACELESS_IOC_CALL, &by_name), EINVAL) << flags << ref << reserved;
  }

  raceless_unload unload{};
  unload.size = sizeof(unload);
  unload.flags = 1U << 31;
  std::strcpy(unload.name, "null");
  EXPECT_EQ(call(RACELESS_IOC_UNLOAD, &unload), EINVAL);
  raceless_release release{};
  release.size = sizeof(release);
  release.flags = 1;
  std::strcpy(release.name, "null");
  EXPECT_EQ(call(RACELESS_IOC_RELEASE, &release), EINVAL);
}

TEST_F(Argument, TimeoutsOverAnHour) {
  raceless_get get{};
  get.size = sizeof(get);
  get.timeout_ns = RACELESS_MAX_TIMEOUT_NS + 1;
  std::strcpy(get.name, "null");
  EXPECT_EQ(call(RACELESS_IOC_GET, &get), EINVAL);
  raceless_unload unload{};
  unload.size = sizeof(unload);
  unload.timeout_ns = UINT64_MAX;
  std::strcpy(unload.name, "null");
  EXPECT_EQ(call(RACELESS_IOC_UNLOAD, &unload), EINVAL);
  EXPECT_EQ(grown("flights"), 0U);
}

TEST_F(Argument, AddressesAndCommands) {
  EXPECT_EQ(call(RACELESS_IOC_GET, nullptr), EFAULT);
  EXPECT_EQ(call(RACELESS_IOC_UNLOAD_MANY, nullptr), EFAULT);
  EXPECT_EQ(call(_IO('r', 0xef), nullptr), ENOTTY);
  EXPECT_EQ(call(_IO('r', 0xdf), nullptr), ENOTTY);
  EXPECT_EQ(call(_IO('s', 0xe0), nullptr), ENOTTY);
  raceless_call request{};
  request.size = sizeof(request);
  request.flags = RACELESS_CALL_BY_NAME;
  request.op = RACELESS_CODEC_OP_COMPRESS;
  std::strcpy(request.name, "codec");
  request.in_bytes = 16;
  request.out_bytes = 64;
  EXPECT_EQ(call(RACELESS_IOC_CALL, &request), EFAULT) << "input from address 0";
  std::array<char, 16> input{};
  request.in = reinterpret_cast<uintptr_t>(input.data());
  EXPECT_EQ(call(RACELESS_IOC_CALL, &request), EFAULT) << "output to address 0";
}

}  // namespace
}  // namespace raceless
