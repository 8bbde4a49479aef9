// SPDX-License-Identifier: GPL-2.0
#include "targets/loop_device.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "module_loader.h"

namespace raceless {

namespace {

constexpr int kAttempts = 16;

void load_driver() {
  Result<ModuleLoader> loader = ModuleLoader::create();
  if (!loader) return;
  Result<KernelModule> module = loader->find("loop");
  // Built in, loaded already, or not there: the device's absence will tell.
  if (module) (void)module->load_with_dependencies();
}

Result<FileDescriptor> file_with(std::string_view contents) {
  FileDescriptor file(memfd_create("raceless-image", MFD_CLOEXEC));
  if (!file) return fail_errno("cannot create a file in memory");
  if (write(file.get(), contents.data(), contents.size()) != static_cast<ssize_t>(contents.size()))
    return fail_errno("cannot write a file in memory");
  return file;
}

}  // namespace

Result<LoopDevice> LoopDevice::create(std::string_view contents) {
  load_driver();
  const FileDescriptor control(open("/dev/loop-control", O_RDWR | O_CLOEXEC));
  if (!control)
    return fail_errno(errno == ENOENT ? "this kernel has no module loop (in the VM: vm/run -m loop)"
                                      : "cannot open /dev/loop-control");
  Result<FileDescriptor> file = file_with(contents);
  if (!file) return tl::unexpected(file.error());

  for (int attempt = 0; attempt < kAttempts; attempt++) {
    const int number = ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number < 0) return fail_errno("cannot find a free loop device");
    const std::string path = "/dev/loop" + std::to_string(number);
    FileDescriptor device(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!device) return fail_errno("cannot open " + path);
    loop_config config{};
    config.fd = static_cast<uint32_t>(file->get());
    config.info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR;
    if (ioctl(device.get(), LOOP_CONFIGURE, &config) == 0)
      return LoopDevice(path, std::move(device));
    // EBUSY: somebody else was faster with this one.
    if (errno != EBUSY) return fail_errno("cannot set up " + path);
  }
  return fail(EBUSY, "cannot get a loop device for itself");
}

}  // namespace raceless
