// SPDX-License-Identifier: GPL-2.0
#include "trace/symbols.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace raceless {
namespace {

constexpr const char* kList =
    "ffffffff81000000 T _text\n"
    "ffffffff81001000 T try_module_get\n"
    "ffffffff81001100 t sock_create\n"
    "ffffffff81001180 d some_data\n"
    "ffffffff81002000 W synchronize_rcu\n"
    "ffffffff81002100 T free_module\n"
    "ffffffffc0001000 t kcm_exit\t[kcm]\n"
    "ffffffffc0100000 t bpf_prog_0123456789abcdef_on_module_get\t[bpf]\n"
    "ffffffffc0101000 t bpf_trampoline_6442\t[bpf]\n"
    "ffffffffc0200000 t ftrace_trampoline\t[__builtin__ftrace]\n";

class SymbolsTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = testing::TempDir() + "symbols-" +
            testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::create_directories(root_ + "/proc");
    write(kList);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void write(const std::string& text) const { std::ofstream(root_ + "/proc/kallsyms") << text; }

  std::string root_;
};

TEST_F(SymbolsTest, AnAddressIsAFunctionWithItsOffsetAndModule) {
  Symbols symbols(root_);
  EXPECT_EQ(symbols.describe(0xffffffff81002105), "free_module+0x5");
  EXPECT_EQ(symbols.describe(0xffffffffc0001010), "kcm_exit+0x10 [kcm]");
  EXPECT_EQ(symbols.describe(0xffffffff81001190), "sock_create+0x90");  // data is no function
  EXPECT_EQ(symbols.describe(0x1000), "0x1000");
  EXPECT_EQ(symbols.describe(0xffffffffc0f00000), "0xffffffffc0f00000");  // far from any
  EXPECT_EQ(symbols.describe(0xffffffffc0200010), "ftrace_trampoline+0x10 [__builtin__ftrace]");
  EXPECT_EQ(symbols.describe(0xffffffffc0201000), "0xffffffffc0201000");  // of no trampoline
}

TEST_F(SymbolsTest, TheCallerIsBeyondTheTracingAndWhatIsTraced) {
  Symbols symbols(root_);
  const uint64_t program = 0xffffffffc0100010;
  const uint64_t trampoline = 0xffffffffc0101010;
  EXPECT_EQ(symbols.caller({program, trampoline, 0xffffffff81001005, 0xffffffff81001110}),
            "sock_create");
  EXPECT_EQ(symbols.caller({program, trampoline, 0xffffffff81002005, 0xffffffffc0001010}),
            "kcm_exit");
  EXPECT_EQ(symbols.caller({program, trampoline, 0xffffffff81001005}), "unknown");
  EXPECT_EQ(symbols.caller({}), "unknown");
  const std::vector<std::string> frames = {"try_module_get+0x5", "sock_create+0x10"};
  EXPECT_EQ(symbols.describe_all({program, trampoline, 0xffffffff81001005, 0xffffffff81001110}),
            frames);
}

// Loaded after the list was read, a page or more behind what was the last one there.
TEST_F(SymbolsTest, WhatIsBeyondAModulesLastPageIsANumber) {
  write(
      "ffffffff81000000 T _text\n"
      "ffffffffc0001000 t kcm_init\t[kcm]\n"
      "ffffffffc0003f80 t kcm_exit\t[kcm]\n"
      "ffffffffc0040000 t dummy_init\t[dummy]\n");
  Symbols symbols(root_);
  EXPECT_EQ(symbols.describe(0xffffffffc0002fff), "kcm_init+0x1fff [kcm]");
  EXPECT_EQ(symbols.describe(0xffffffffc0003fff), "kcm_exit+0x7f [kcm]");
  EXPECT_EQ(symbols.describe(0xffffffffc0004000), "0xffffffffc0004000");
  EXPECT_EQ(symbols.describe(0xffffffffc0006000), "0xffffffffc0006000");
  EXPECT_EQ(symbols.describe(0xffffffffc0041000), "0xffffffffc0041000");
}

TEST_F(SymbolsTest, WhatWasOfAModuleThatHasGoneIsANumber) {
  Symbols symbols(root_);
  EXPECT_EQ(symbols.describe(0xffffffffc0001010), "kcm_exit+0x10 [kcm]");
  symbols.forget("dummy");
  symbols.forget("");  // no module, but the kernel itself
  EXPECT_EQ(symbols.describe(0xffffffffc0001010), "kcm_exit+0x10 [kcm]");
  symbols.forget("kcm");
  EXPECT_EQ(symbols.describe(0xffffffffc0001010), "0xffffffffc0001010");
  EXPECT_EQ(symbols.describe(0xffffffff81002105), "free_module+0x5");
}

// Or its count would stop under one name, and begin under another.
TEST_F(SymbolsTest, ACallerKeepsItsNameWhenItsModuleHasGone) {
  Symbols symbols(root_);
  const std::vector<uint64_t> stack = {0xffffffff81002005, 0xffffffffc0001010};
  EXPECT_EQ(symbols.caller(stack), "kcm_exit");
  symbols.forget("kcm");
  EXPECT_EQ(symbols.caller(stack), "kcm_exit");
  EXPECT_EQ(symbols.caller({0xffffffff81002005, 0xffffffffc0001011}), "0xffffffffc0001011");
}

TEST_F(SymbolsTest, HiddenAddressesAreNumbers) {
  write("0000000000000000 T _text\n0000000000000000 T free_module\n");
  Symbols symbols(root_);
  EXPECT_EQ(symbols.describe(0xffffffff81002105), "0xffffffff81002105");
  // Nothing tells the tracing's own part from the rest.
  EXPECT_EQ(symbols.caller({0xffffffff81002105}), "unknown");
}

TEST_F(SymbolsTest, LinesThatAreNoneAreLeftOut) {
  write("\nffffffff81000000\nffffffff81000000 T \nx T y\nffffffff81000100 T good\n");
  Symbols symbols(root_);
  EXPECT_EQ(symbols.describe(0xffffffff81000101), "good+0x1");
}

}  // namespace
}  // namespace raceless
