// SPDX-License-Identifier: GPL-2.0
#include "holders/registry_holders.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "text_file.h"

namespace raceless {
namespace {

constexpr std::string_view kHolders =
    "# name instance pid reference calls comm\n"
    "null 7 812 1 0 python3\n"
    "codec 8 44 1 0 a\\040b\n"
    "null 7 44 2 1 a\\040b\n"
    "null 7 812 3 0 python3\n";

TEST(RegistryHolders, AreAddedUpByProcess) {
  const auto names = parse_registry_holders(kHolders);
  ASSERT_TRUE(names) << names.error().message();
  EXPECT_EQ(names->size(), 2U);
  EXPECT_EQ(names->at("null").text(), "3 references: a\\040b[44] 1, python3[812] 2");
  EXPECT_EQ(names->at("codec").text(), "1 reference: a\\040b[44] 1");
}

TEST(RegistryHolders, TheRestIsInTheKernel) {
  const std::string root = testing::TempDir() + "/holders";
  std::filesystem::create_directories(root + "/proc");
  ASSERT_TRUE(write_text(root + "/proc/raceless_holders", kHolders));
  const StateFile state =
      StateFile::parse("# name state refs\nnull draining 5\ncodec live 1\nidle live 0\n").value();
  EXPECT_EQ(registry_holders_of("null", state, root)->text(),
            "5 references: a\\040b[44] 1, python3[812] 2, 2 in the kernel");
  EXPECT_EQ(registry_holders_of("codec", state, root)->in_kernel, 0U);
  EXPECT_EQ(registry_holders_of("idle", state, root)->text(), "no references any more");
  EXPECT_EQ(registry_holders_of("unknown", state, root)->text(), "no references any more");
  EXPECT_FALSE(registry_holders_of("null", state, root + "/none"));
}

TEST(RegistryHolders, WhatMakesNoSenseIsRefused) {
  EXPECT_FALSE(parse_registry_holders(""));
  EXPECT_FALSE(parse_registry_holders("# name instance\nnull 7\n"));
  EXPECT_EQ(parse_registry_holders("# name pid comm\nnull 7\n").error().context,
            "/proc/raceless_holders has a line that does not fit its columns: 'null 7'");
  EXPECT_FALSE(parse_registry_holders("# name pid comm\nnull 7\n"));
  EXPECT_TRUE(parse_registry_holders("# name pid comm\n")->empty());
}

}  // namespace
}  // namespace raceless
