// SPDX-License-Identifier: GPL-2.0
#include "loader.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <thread>
#include <vector>

#include "../registry.h"
#include "file_descriptor.h"
#include "module_loader.h"
#include "text_file.h"

namespace raceless {

GatedFile::GatedFile() {
  Result<ModuleLoader> loader = ModuleLoader::create();
  if (!loader) return;
  const Result<KernelModule> module = loader->find(kGated);
  if (!module) return;
  path_ = module->path();
  image_ = read_text(path_).value_or("");
}

int GatedFile::load(const std::string& options) const {
  const FileDescriptor file(open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return errno;
  return syscall(SYS_finit_module, file.get(), options.c_str(), 0) == 0 ? 0 : errno;
}

int GatedFile::load_image(const std::string& options) const {
  return syscall(SYS_init_module, image_.data(), image_.size(), options.c_str()) == 0 ? 0 : errno;
}

int as_status(int error) { return error < kNoErrno ? error : kNoErrno; }

std::unique_ptr<Child> Loader::start(const std::function<int()>& load) {
  auto child = std::make_unique<Child>([&load] { return as_status(load()); });
  // An interruptible sleep, or a process that is over and waits for us to say so.
  EXPECT_TRUE(eventually([&child] {
    const std::string stat = first_line("/proc/" + std::to_string(child->pid()) + "/stat");
    const size_t name_end = stat.rfind(") ");
    if (name_end == std::string::npos) return false;
    const char state = stat[name_end + 2];
    return state == 'S' || state == 'Z';
  }));
  return child;
}

int64_t Loader::fail_together(const std::function<int()>& load) {
  constexpr int kLoaders = 64;
  std::atomic<int> succeeded{0};
  std::atomic<int> tried{0};
  const int64_t begin = now_ms();
  std::vector<std::thread> loaders;
  loaders.reserve(kLoaders);
  for (int i = 0; i < kLoaders; i++)
    loaders.emplace_back([&] {
      const int error = load();
      if (error == 0) succeeded++;
      if (error == EIO) tried++;
    });
  for (std::thread& loader : loaders) loader.join();
  const int64_t took = now_ms() - begin;
  std::printf("# %d loads took %lld ms; %d of them had the error of an init\n", kLoaders,
              static_cast<long long>(took), tried.load());
  EXPECT_EQ(succeeded, 0);
  EXPECT_GE(tried, 1);
  return took;
}

void Loader::TearDown() {
  EXPECT_TRUE(eventually([] {
    const int error = delete_module(kGated);
    return error == 0 || error == ENOENT;
  })) << "the module cannot be unloaded any more";
}

}  // namespace raceless
