// SPDX-License-Identifier: GPL-2.0
#include "unloading.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace raceless {
namespace {

NameUnloaded down(const std::string& name, const std::string& module) {
  return {name, 0, {7, 1000, 2000, 3000, 4000, module}};
}

const StateFile& state() {
  static const StateFile file = StateFile::parse(
                                    "# name state owner refs\n"
                                    "a gone one 0\nb gone one 0\nc gone two 0\nd live two 0\n"
                                    "e gone three 0\n")
                                    .value();
  return file;
}

TEST(Unloading, RemovesEachModuleOnce) {
  std::vector<std::string> removed;
  const auto ends = remove_modules({down("a", "one"), down("b", "one"), down("e", "three")},
                                   state(), [&](const std::string& module) {
                                     removed.push_back(module);
                                     return module == "three" ? EWOULDBLOCK : 0;
                                   });
  EXPECT_EQ(removed, (std::vector<std::string>{"one", "three"}));
  EXPECT_TRUE(ends.at("one").removed);
  EXPECT_FALSE(ends.at("three").removed);
  EXPECT_NE(ends.at("three").why.find("in use"), std::string::npos);
}

TEST(Unloading, KeepsAModuleThatProvidesMore) {
  const auto ends = remove_modules({down("c", "two")}, state(), [](const std::string&) {
    ADD_FAILURE() << "it takes d down too";
    return 0;
  });
  ASSERT_EQ(ends.size(), 1U);
  EXPECT_FALSE(ends.at("two").removed);
  EXPECT_NE(ends.at("two").why.find("provides d too"), std::string::npos);
}

TEST(Unloading, KeepsAModuleOfANameThatIsNotDown) {
  NameUnloaded late = down("d", "two");
  late.error = ETIMEDOUT;
  const auto ends = remove_modules({late}, state(), [](const std::string&) { return 0; });
  EXPECT_TRUE(ends.empty());
}

TEST(Unloading, KeptModulesAreThoseThatReferencesKeep) {
  Unloading unloading;
  unloading.names = {down("a", "one"), down("d", ""), down("e", "")};
  unloading.names[1].error = ETIMEDOUT;  // of two, as the state says
  unloading.names[2].error = EBUSY;
  unloading.modules["one"] = {false, "in use", EWOULDBLOCK};
  unloading.modules["other"] = {false, "provides more"};
  EXPECT_EQ(kept_modules(unloading, state()), (std::vector<std::string>{"one", "two"}));
}

TEST(Unloading, SaysWhatCameOfIt) {
  Unloading unloading;
  unloading.names = {down("a", "one"), down("d", "two")};
  unloading.modules["one"] = {true, ""};
  EXPECT_TRUE(unloading.complete());
  EXPECT_NE(unloading.text().find("one removed"), std::string::npos) << unloading.text();
  EXPECT_NE(unloading.text().find("two kept"), std::string::npos) << unloading.text();
  unloading.names[1].error = ETIMEDOUT;
  unloading.holders["d"] = {{{812, "python3", 2}}, 1};
  EXPECT_FALSE(unloading.complete());
  EXPECT_NE(unloading.text().find("d: 3 references: python3[812] 2, 1 in the kernel\n"),
            std::string::npos)
      << unloading.text();
  const nlohmann::json json = unloading.json();
  EXPECT_EQ(json.at("names").at(0).at("grace_ns"), 2000);
  EXPECT_EQ(json.at("names").at(1).at("holders").at("descriptors").at(0).at("pid"), 812);
  EXPECT_EQ(json.at("modules").at("one").at("removed"), true);
  unloading.names.pop_back();
  unloading.modules["one"] = {false, "because"};
  EXPECT_FALSE(unloading.complete());
  EXPECT_NE(unloading.text().find("module one: not removed: because"), std::string::npos);
}

}  // namespace
}  // namespace raceless
