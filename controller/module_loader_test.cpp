// SPDX-License-Identifier: GPL-2.0
#include "module_loader.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "text_file.h"

namespace raceless {
namespace {

namespace fs = std::filesystem;

class ModuleLoaderTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = testing::TempDir() + "modules-XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    root_ = folder;
  }
  void TearDown() override { fs::remove_all(root_); }

  void put(const std::string& file, const std::string& text) const {
    const std::string path = root_ + "/sys/module/dummy/" + file;
    fs::create_directories(fs::path(path).parent_path());
    ASSERT_TRUE(write_text(path, text));
  }

  std::string root_;
};

TEST_F(ModuleLoaderTest, ReadsTheStateFromSysfs) {
  EXPECT_EQ(module_state("dummy", root_), ModuleState::absent);
  put("initstate", "coming\n");
  EXPECT_EQ(module_state("dummy", root_), ModuleState::coming);
  put("initstate", "live\n");
  EXPECT_EQ(module_state("dummy", root_), ModuleState::live);
  put("initstate", "going\n");
  EXPECT_EQ(module_state("dummy", root_), ModuleState::going);
}

TEST_F(ModuleLoaderTest, ReadsTheCount) {
  EXPECT_EQ(module_refcount("dummy", root_), std::nullopt);
  put("refcnt", "3\n");
  EXPECT_EQ(module_refcount("dummy", root_), 3);
  // What the kernel shows while the module is going.
  put("refcnt", "-1\n");
  EXPECT_EQ(module_refcount("dummy", root_), std::nullopt);
}

TEST_F(ModuleLoaderTest, OutcomesAreValues) {
  EXPECT_NE(delete_module("no_such_module"), 0);
  Result<ModuleLoader> loader = ModuleLoader::create();
  ASSERT_TRUE(loader);
  EXPECT_FALSE(loader->find("no_such_module"));
  EXPECT_FALSE(loader->open(root_ + "/nothing.ko"));
}

TEST_F(ModuleLoaderTest, AFileThatIsNoModuleHasNoInfo) {
  put("text.ko", "not a module\n");
  Result<ModuleLoader> loader = ModuleLoader::create();
  ASSERT_TRUE(loader);
  Result<KernelModule> module = loader->open(root_ + "/sys/module/dummy/text.ko");
  ASSERT_TRUE(module);
  EXPECT_EQ(module->name(), "text");
  EXPECT_FALSE(module->info());
}

TEST(ModuleLoader, TellsAMissingModuleFromALoadThatFailed) {
  Result<ModuleLoader> loader = ModuleLoader::create();
  ASSERT_TRUE(loader);
  const Result<KernelModule> found = loader->find("raceless_no_such_module");
  ASSERT_FALSE(found);
  EXPECT_TRUE(is_no_module(found.error())) << found.error().message();
  EXPECT_FALSE(is_no_module({ENOENT, "cannot load raceless_sample_codec"})) << "a missing symbol";
  EXPECT_TRUE(is_no_module({found.error().code, found.error().context + " (in the VM: …)"}));
  EXPECT_FALSE(is_no_module({EINVAL, found.error().context}));
}

}  // namespace
}  // namespace raceless
