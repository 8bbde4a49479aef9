// SPDX-License-Identifier: GPL-2.0
#include "holders/subject.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "text_file.h"

namespace raceless {
namespace {

// A machine with romfs and one module that provides; ext4 is built in, dummy installed.
const std::string& machine() {
  static const std::string root = [] {
    std::string folder = testing::TempDir() + "/subject";
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder + "/proc");
    for (const char* name : {"romfs", "snd_hda", "raceless_sample_null", "ext4"}) {
      const std::string module = folder + "/sys/module/" + name;
      std::filesystem::create_directories(module);
      if (std::string(name) != "ext4") (void)write_text(module + "/initstate", "live\n");
    }
    (void)write_text(folder + "/proc/raceless",
                     "# name state instance owner refs\n"
                     "null live 7 raceless_sample_null 1\n"
                     "empty live 8 raceless_sample_null 0\n"
                     "codec gone 9 raceless_sample_codec 0\n");
    return folder;
  }();
  return root;
}

Result<Subject> find(const std::string& name) {
  const InstalledModules installed{
      [](const std::string& asked) { return asked == "fs-romfs" ? "romfs" : asked; },
      [](const std::string& module) { return module == "dummy"; }};
  return find_subject(name, installed, machine());
}

std::string complaint(const std::string& name) {
  const Result<Subject> found = find(name);
  return found ? "found " + found->module : found.error().message();
}

TEST(Subject, IsAModuleByEitherOfItsNames) {
  EXPECT_EQ(find("romfs")->module, "romfs");
  EXPECT_TRUE(find("romfs")->providers.empty());
  EXPECT_EQ(find("snd-hda")->module, "snd_hda");
  EXPECT_EQ(find_loaded("snd_hda", machine())->module, "snd_hda");
  EXPECT_FALSE(find_loaded("dummy", machine()));
}

TEST(Subject, OrAProviderAndAllThatItsModuleProvides) {
  const std::vector<std::string> both = {"empty", "null"};
  EXPECT_EQ(find("null")->module, "raceless_sample_null");
  EXPECT_EQ(find("null")->providers, both);
  EXPECT_EQ(find("raceless_sample_null")->providers, both);
}

TEST(Subject, ElseItIsSaidWhatItIs) {
  EXPECT_NE(complaint("ext4").find("built into this kernel"), std::string::npos);
  EXPECT_NE(complaint("fs-romfs").find("alias of the module romfs"), std::string::npos);
  EXPECT_NE(complaint("codec").find("no module provides it now"), std::string::npos);
  EXPECT_EQ(complaint("dummy"), "the module 'dummy' is not loaded, so that nothing holds it");
  EXPECT_EQ(complaint("romfz"), "no module and no provider 'romfz' is loaded; did you mean romfs?");
  EXPECT_NE(complaint("nothing_like_it").find("lsmod lists"), std::string::npos);
  EXPECT_NE(complaint("./romfs.ko").find("is a file"), std::string::npos);
  EXPECT_NE(complaint("").find("no module's name"), std::string::npos);
}

TEST(Nearest, AllowsAMistakeInThreeLetters) {
  const std::vector<std::string> names = {"romfs", "configfs", "kcm"};
  EXPECT_EQ(nearest("rmfs", names), "romfs");
  EXPECT_EQ(nearest("romffs", names), "romfs");
  EXPECT_EQ(nearest("confifgs", names), "configfs");
  EXPECT_EQ(nearest("kcn", names), "kcm");
  EXPECT_EQ(nearest("xyz", names), "");
  EXPECT_EQ(nearest("", names), "");
  EXPECT_EQ(nearest("kcm", {}), "");
}

}  // namespace
}  // namespace raceless
