// SPDX-License-Identifier: GPL-2.0
#include "trace/module_names.h"

#include <gtest/gtest.h>

namespace raceless {
namespace {

TEST(ModuleNames, DashesAreUnderscoresAndEachIsThereOnce) {
  const auto names = to_module_names({"snd-hda-intel", "kcm", "snd_hda_intel"});
  ASSERT_TRUE(names);
  EXPECT_EQ(*names, (std::vector<std::string>{"snd_hda_intel", "kcm"}));
  EXPECT_TRUE(to_module_names({})->empty());
}

TEST(ModuleNames, WhatIsNoNameIsAnErrorThatNamesIt) {
  for (const std::string wrong : {"", "a b", "na\nme", "<b>", "na.me"}) {
    const auto names = to_module_names({"kcm", wrong});
    ASSERT_FALSE(names) << wrong;
    EXPECT_NE(names.error().message().find("'" + wrong + "'"), std::string::npos);
  }
  for (const std::string file : {"/lib/modules/kcm.ko", "kcm.ko", "kcm.ko.xz", "./kcm"})
    EXPECT_NE(to_module_names({file}).error().message().find("is a file"), std::string::npos);
  EXPECT_TRUE(to_module_names({std::string(55, 'x')}));
  EXPECT_FALSE(to_module_names({std::string(56, 'x')}));
}

TEST(AliasNames, WhatNothingProvidesIsItself) {
  AliasNames aliases;
  EXPECT_EQ(aliases.module_of("fs-nobody-has-this"), "fs-nobody-has-this");
  EXPECT_EQ(aliases.module_of(""), "");
  EXPECT_FALSE(aliases.is_known("nobody_has_this"));
}

}  // namespace
}  // namespace raceless
