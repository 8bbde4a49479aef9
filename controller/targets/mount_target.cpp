// SPDX-License-Identifier: GPL-2.0
// mount:configfs and mount:romfs: consumers mount a file system and unmount it again. fsopen:… do
// it step by step, and attach it nowhere.
#include <sys/mount.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>

#include "clock.h"
#include "file_descriptor.h"
#include "targets/loop_device.h"
#include "targets/romfs_image.h"
#include "targets/stock_target.h"

namespace raceless {

namespace {

class MountUse : public Use {
 public:
  MountUse(std::string source, std::string folder, std::string filesystem)
      : source_(std::move(source)),
        folder_(std::move(folder)),
        filesystem_(std::move(filesystem)) {}
  ~MountUse() override { rmdir(folder_.c_str()); }

  int run(const Op& /*op*/) override {
    if (mount(source_.c_str(), folder_.c_str(), filesystem_.c_str(), MS_RDONLY, nullptr) != 0)
      return errno;
    // Detached if somebody looks into it (an indexer, a shell): it goes when they leave.
    if (umount2(folder_.c_str(), 0) != 0) (void)umount2(folder_.c_str(), MNT_DETACH);
    return 0;
  }

 private:
  std::string source_;
  std::string folder_;
  std::string filesystem_;
};

class FsopenUse : public Use {
 public:
  FsopenUse(std::string source, std::string filesystem)
      : source_(std::move(source)), filesystem_(std::move(filesystem)) {}

  int run(const Op& /*op*/) override {
    const FileDescriptor context(fsopen(filesystem_.c_str(), FSOPEN_CLOEXEC));
    if (!context) return errno;
    const int fd = context.get();
    if (fsconfig(fd, FSCONFIG_SET_STRING, "source", source_.c_str(), 0) != 0 ||
        fsconfig(fd, FSCONFIG_SET_FLAG, "ro", nullptr, 0) != 0 ||
        fsconfig(fd, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
      return errno;
    // Not attached, it goes with its descriptor.
    const FileDescriptor mounted(fsmount(fd, FSMOUNT_CLOEXEC, 0));
    return mounted ? 0 : errno;
  }

 private:
  std::string source_;
  std::string filesystem_;
};

class MountTarget : public StockTarget {
 public:
  MountTarget(const Parameters& parameters, const std::string& filesystem, uint32_t mounters)
      : StockTarget(parameters, filesystem, {mounters, {20 * kNsPerMs, 20 * kNsPerMs, 0}}),
        in_steps_(parameters.target.starts_with("fsopen:")) {}

  // get_fs_type() warns once if the file system is gone again after its modprobe succeeded: one of
  // the three causes that are counted here.
  bool expects_complaint(std::string_view line) const override {
    return line.find("get_fs_type+") != std::string_view::npos;
  }
  std::string expected_message() const override {
    return "^request_module fs-.* succeeded, but still no fs";
  }

 protected:
  Result<std::unique_ptr<Use>> make_use(Surroundings /*surroundings*/) override {
    if (in_steps_) return std::make_unique<FsopenUse>(source(), module());
    std::string folder = "/tmp/raceless-mount-XXXXXX";
    if (mkdtemp(folder.data()) == nullptr) return fail_errno("cannot create a folder in /tmp");
    return std::make_unique<MountUse>(source(), folder, module());
  }

  [[nodiscard]] virtual std::string source() const { return "none"; }

 private:
  bool in_steps_;
};

class RomfsTarget : public MountTarget {
 public:
  explicit RomfsTarget(const Parameters& parameters) : MountTarget(parameters, "romfs", 1) {}

  std::vector<std::string> needs() const override { return {"romfs", "loop"}; }

  Status prepare() override {
    Result<LoopDevice> device = LoopDevice::create(romfs_image());
    if (!device) return tl::unexpected(device.error());
    device_.emplace(std::move(*device));
    return MountTarget::prepare();
  }

 protected:
  std::string source() const override { return device_->path(); }

 private:
  std::optional<LoopDevice> device_;
};

}  // namespace

Result<std::unique_ptr<Target>> make_mount_target(const Parameters& parameters,
                                                  const std::string& filesystem) {
  if (filesystem == "romfs") return std::make_unique<RomfsTarget>(parameters);
  return std::make_unique<MountTarget>(parameters, filesystem, 4);
}

}  // namespace raceless
