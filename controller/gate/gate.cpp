// SPDX-License-Identifier: GPL-2.0
#include "gate/gate.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <thread>

#include "device.h"
#include "file_descriptor.h"
#include "gate.skel.h"
#include "gate/gate_state.h"
#include "module_loader.h"
#include "tracing/kernel_btf.h"
#include "tracing/libbpf_log.h"
#include "tracing/program_set.h"
#include "tracing/unpinning.h"

namespace raceless {

namespace {

namespace fs = std::filesystem;

constexpr const char* kPrefix = "link_";  // of the pins that keep a program attached
constexpr auto kPollInterval = std::chrono::milliseconds(20);
constexpr auto kLongestEnd = std::chrono::seconds(60);

bool is_at(const FileDescriptor& folder, const std::string& path) {
  struct stat opened {
  }, there{};
  return fstat(folder.get(), &opened) == 0 && stat(path.c_str(), &there) == 0 &&
         opened.st_dev == there.st_dev && opened.st_ino == there.st_ino;
}

// One command at a time. The folder above is locked by whoever traces a storm. Who has waited for a
// command that removed the folder has the lock of one that is gone, and begins again.
Result<FileDescriptor> lock() {
  const std::string path = Gate::pin_dir;
  for (;;) {
    std::error_code error;
    fs::create_directories(path, error);
    if (error)
      return fail(error.value(), "cannot make " + path +
                                     "; is there a bpf file system? mount -t bpf "
                                     "bpf /sys/fs/bpf");
    FileDescriptor folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder && errno == ENOENT) continue;
    if (!folder) return fail_errno("cannot open " + path);
    if (flock(folder.get(), LOCK_EX) != 0) return fail_errno("cannot lock " + path);
    if (is_at(folder, path)) return folder;
  }
}

std::vector<fs::path> pins() {
  std::vector<fs::path> found;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(Gate::pin_dir, error))
    found.push_back(entry.path());
  return found;
}

bool is_link(const fs::path& pin) { return pin.filename().string().starts_with(kPrefix); }

// The kernel's numbers of the programs that are pinned.
std::vector<uint32_t> program_ids() {
  std::vector<uint32_t> ids;
  for (const fs::path& pin : pins()) {
    if (!is_link(pin)) continue;
    const FileDescriptor link(bpf_obj_get(pin.c_str()));
    bpf_link_info info{};
    __u32 bytes = sizeof(info);
    if (link && bpf_obj_get_info_by_fd(link.get(), &info, &bytes) == 0) ids.push_back(info.prog_id);
  }
  return ids;
}

void unpin_all() {
  const std::vector<fs::path> found = pins();
  (void)unpin({found.begin(), found.end()});
}

// A program goes some time after its last link, and until then it holds raceless.ko.
Status await_end(const std::vector<uint32_t>& ids) {
  const auto deadline = std::chrono::steady_clock::now() + kLongestEnd;
  for (const uint32_t id : ids) {
    for (;;) {
      const FileDescriptor program(bpf_prog_get_fd_by_id(id));
      if (!program && errno == ENOENT) break;
      if (!program && errno != EAGAIN) return fail_errno("cannot ask for the gate's programs");
      if (std::chrono::steady_clock::now() > deadline)
        return fail(ETIMEDOUT, "the gate is off, but the kernel has not freed its programs yet");
      std::this_thread::sleep_for(kPollInterval);
    }
  }
  return {};
}

Status load_module() {
  if (module_state("raceless") == ModuleState::live) return {};
  Result<ModuleLoader> loader = ModuleLoader::create();
  if (!loader) return tl::unexpected(loader.error());
  Result<KernelModule> module = loader->find("raceless");
  if (!module)
    return fail(0, module.error().message() + "; the gate needs raceless.ko (module/build)");
  return module->load_with_dependencies();
}

Result<ProgramSet> load_programs(std::vector<std::string>& missing) {
  const Result<KernelBtf> kernel = KernelBtf::load();
  if (!kernel) return tl::unexpected(kernel.error());
  if (!kernel->has_registry())
    return fail(ENOENT,
                "raceless.ko was built without BTF, so that BPF cannot call it; there is "
                "no /sys/kernel/btf/raceless");
  const LibbpfLog log;
  gate_bpf* skeleton = gate_bpf::open();
  if (skeleton == nullptr) return log.fail(errno, "cannot open the gate's BPF programs");
  ProgramSet::Skeleton owned(
      skeleton, [](void* opened) { gate_bpf::destroy(static_cast<gate_bpf*>(opened)); });
  ProgramSet set("gate", std::move(owned), skeleton->obj);
  if (Status loaded = set.load(*kernel, missing); !loaded) return tl::unexpected(loaded.error());
  return set;
}

}  // namespace

bool Gate::is_on() {
  const Result<GateState> state = GateState::read();
  return state && state->on() && programs().count > 0;
}

GatePrograms Gate::programs() {
  GatePrograms programs;
  for (const uint32_t id : program_ids()) {
    const FileDescriptor program(bpf_prog_get_fd_by_id(id));
    bpf_prog_info info{};
    __u32 bytes = sizeof(info);
    if (!program || bpf_obj_get_info_by_fd(program.get(), &info, &bytes) != 0) continue;
    programs.count++;
    programs.skipped += info.recursion_misses;
  }
  return programs;
}

Result<std::vector<std::string>> Gate::turn_on() {
  const Result<FileDescriptor> locked = lock();
  if (!locked) return tl::unexpected(locked.error());
  std::vector<std::string> missing;
  if (is_on()) return missing;
  unpin_all();
  if (Status loaded = load_module(); !loaded) return tl::unexpected(loaded.error());
  Result<Device> device = Device::open();
  if (!device) return tl::unexpected(device.error());
  Result<ProgramSet> programs = load_programs(missing);
  if (!programs) return tl::unexpected(programs.error());
  programs->attach(missing);
  if (Status pinned = programs->pin(pin_dir, kPrefix); !pinned) {
    unpin_all();
    return tl::unexpected(pinned.error());
  }
  // Last: until now nobody was held.
  if (Status on = device->gate(true); !on) {
    unpin_all();
    return tl::unexpected(on.error());
  }
  return missing;
}

Status Gate::turn_off() {
  std::error_code error;
  if (!fs::exists(pin_dir, error) && module_state("raceless") == ModuleState::absent) return {};
  const Result<FileDescriptor> locked = lock();
  if (!locked) return tl::unexpected(locked.error());
  const std::vector<uint32_t> ids = program_ids();
  // First: the programs may end in the middle of a call, of which nobody would tell the end.
  Status off;
  if (module_state("raceless") == ModuleState::live) {
    Result<Device> device = Device::open();
    if (!device) return tl::unexpected(device.error());
    off = device->gate(false);
  }
  unpin_all();
  rmdir(pin_dir);
  if (!off) return off;
  return await_end(ids);
}

}  // namespace raceless
