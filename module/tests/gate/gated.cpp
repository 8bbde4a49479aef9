// SPDX-License-Identifier: GPL-2.0
#include "gated.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "file_descriptor.h"
#include "gate/gate.h"
#include "module_loader.h"
#include "text_file.h"

namespace raceless {

namespace {

constexpr const char* kMountPoint = "/tmp/gated";

const std::map<std::string, std::string> kBounds = {{"gate_hold_ms", "10000"},
                                                    {"gate_exit_ms", "3000"},
                                                    {"gate_lease_ms", "1000"},
                                                    {"gate_delete_ms", "1000"}};

// Also when a test has failed: whoever audits the guest finds it as it was.
class GateOff : public testing::Environment {
 public:
  void TearDown() override { EXPECT_TRUE(Gate::turn_off()); }
};

[[maybe_unused]] testing::Environment* const kGateOff =
    testing::AddGlobalTestEnvironment(new GateOff);

}  // namespace

int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

int load_module(const std::string& name, const std::string& options) {
  Result<ModuleLoader> loader = ModuleLoader::create();
  if (!loader) return loader.error().code;
  Result<KernelModule> module = loader->find(name);
  if (!module) return module.error().code;
  const Status loaded = module->load_with_dependencies(options);
  return loaded ? 0 : loaded.error().code;
}

int load_gated(const std::string& options) { return load_module(kGated, options); }

int load_image(const std::string& options) {
  Result<ModuleLoader> loader = ModuleLoader::create();
  if (!loader) return loader.error().code;
  const Result<KernelModule> module = loader->find(kGated);
  if (!module) return module.error().code;
  const Result<std::string> image = read_text(module->path());
  if (!image) return image.error().code;
  return syscall(SYS_init_module, image->data(), image->size(), options.c_str()) == 0 ? 0 : errno;
}

int mount_gated(const std::string& filesystem) {
  mkdir(kMountPoint, 0700);
  if (mount("none", kMountPoint, filesystem.c_str(), 0, nullptr) != 0) return errno;
  umount2(kMountPoint, MNT_DETACH);
  return 0;
}

bool is_registered() {
  const Result<std::string> list = read_text("/proc/filesystems");
  return !list || list->find(kGated) != std::string::npos;
}

int socket_gated() {
  const int fd = socket(AF_ECONET, SOCK_DGRAM, 0);
  if (fd < 0) return errno;
  close(fd);
  return 0;
}

bool set_parameter(const std::string& module, const std::string& name, const std::string& value) {
  std::ofstream file("/sys/module/" + module + "/parameters/" + name);
  file << value << std::flush;
  return file.good();
}

uint64_t program_count(const std::string& name) {
  for (uint32_t id = 0; bpf_map_get_next_id(id, &id) == 0;) {
    const FileDescriptor map(bpf_map_get_fd_by_id(id));
    bpf_map_info info{};
    __u32 bytes = sizeof(info);
    if (!map || bpf_obj_get_info_by_fd(map.get(), &info, &bytes) != 0) continue;
    if (info.name != std::string("gate_bpf.bss")) continue;
    const std::unique_ptr<btf, void (*)(btf*)> types(btf__load_from_kernel_by_id(info.btf_id),
                                                     btf__free);
    std::vector<char> values(info.value_size);
    const uint32_t first = 0;
    if (!types || bpf_map_lookup_elem(map.get(), &first, values.data()) != 0) continue;
    const btf_type* section = btf__type_by_id(types.get(), info.btf_value_type_id);
    for (int i = 0; i < btf_vlen(section); i++) {
      const btf_var_secinfo& place = btf_var_secinfos(section)[i];
      const btf_type* variable = btf__type_by_id(types.get(), place.type);
      if (name != btf__name_by_offset(types.get(), variable->name_off)) continue;
      uint64_t value = 0;
      memcpy(&value, values.data() + place.offset, sizeof value);
      return value;
    }
  }
  return ~uint64_t{0};
}

bool run_on(int cpu) {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(cpu, &cpus);
  return sched_setaffinity(0, sizeof cpus, &cpus) == 0;
}

bool is_in(pid_t task, const char* function) {
  const Result<std::string> stack = read_text("/proc/" + std::to_string(task) + "/stack");
  return stack && stack->find(function) != std::string::npos;
}

bool runs(const std::string& program) {
  std::error_code error;
  const std::filesystem::directory_iterator processes("/proc", error);
  return std::any_of(begin(processes), end(processes), [&program](const auto& process) {
    return first_line(process.path() / "comm") == program;
  });
}

Unload::Unload()
    : thread_([this] {
        tid_ = gettid();
        // in use for as long as somebody else's lease lasts
        (void)eventually([this] {
          error_ = delete_module(kGated);
          return error_ != EAGAIN;
        });
      }) {
  // or was, if the modprobe of somebody who was killed has loaded it again by now
  EXPECT_TRUE(
      eventually([this] { return error_ == 0 || module_state(kGated) != ModuleState::live; }));
}

Unload::~Unload() { join(); }

void Unload::join() {
  if (thread_.joinable()) thread_.join();
}

void Gated::SetUp() {
  const auto on = Gate::turn_on();
  ASSERT_TRUE(on) << on.error().message();
  ASSERT_TRUE(on->empty()) << on->front();
  const Result<GateState> state = GateState::read();
  ASSERT_TRUE(state);
  before_ = state->totals();
  // no guest is too slow for them
  EXPECT_TRUE(set_parameter("raceless", "gate_exit_ms", "20000"));
  EXPECT_TRUE(set_parameter("raceless", "gate_hold_ms", "20000"));
}

void Gated::TearDown() {
  if (lets_exit_.joinable()) lets_exit_.join();
  // of a test that has failed before it could
  if (module_state(kGated) == ModuleState::live) let_exit();
  const Result<GateState> state = GateState::read();
  if (HasFailure() && state) ADD_FAILURE() << state->text(Gate::programs());
  for (const auto& [name, value] : kBounds) EXPECT_TRUE(set_parameter("raceless", name, value));
  EXPECT_TRUE(eventually([] { return now("calls_now") == 0 && now("leases_now") == 0; }))
      << "something is left in the gate";
  // Of who was killed: it may load the module yet.
  EXPECT_TRUE(eventually([] { return !runs("modprobe"); }));
  EXPECT_TRUE(eventually([] {
    const int error = delete_module(kGated);
    return error == 0 || error == ENOENT;
  })) << "the module cannot be unloaded any more";
}

void Gated::load_with_endless_exit() { EXPECT_EQ(load_gated("exit_waits=1"), 0); }

void Gated::load_with_exit_until(const std::function<bool()>& condition) {
  if (lets_exit_.joinable()) lets_exit_.join();
  load_with_endless_exit();
  lets_exit_ = std::thread([condition] {
    // those of a test are for others
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
    EXPECT_TRUE(eventually(condition));
    let_exit();
  });
}

void Gated::load_with_exit_until_awaited() {
  load_with_exit_until([this, before = grown("waits"), since = int64_t{0}]() mutable {
    if (since == 0 && grown("waits") > before) since = now_ms();
    return since != 0 && now_ms() > since + 1000;
  });
}

void Gated::let_exit() { EXPECT_TRUE(set_parameter(kGated, "exit_waits", "0")); }

bool Gated::none_timed_out() const { return grown("timeouts") + grown("exit_stalls") == 0; }

uint64_t Gated::now(const std::string& key) {
  const Result<GateState> state = GateState::read();
  return state ? state->total(key) : ~uint64_t{0};
}

uint64_t Gated::grown(const std::string& key) const {
  const auto before = before_.find(key);
  return now(key) - (before == before_.end() ? 0 : before->second);
}

}  // namespace raceless
