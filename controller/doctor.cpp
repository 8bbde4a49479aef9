// SPDX-License-Identifier: GPL-2.0
#include "doctor.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <sstream>

#include "text_file.h"
#include "uapi/raceless.h"

namespace raceless {

namespace {

// Bits of CapEff in /proc/self/status (linux/capability.h).
constexpr unsigned kCapSysModule = 16;
constexpr unsigned kCapSysAdmin = 21;
constexpr unsigned kCapSyslog = 34;
constexpr unsigned kCapPerfmon = 38;
constexpr unsigned kCapBpf = 39;

constexpr const char* kAsRoot = "run it as root, or use make vm-shell";

// One machine, below a root folder.
class Machine {
 public:
  explicit Machine(std::string root) : root_(std::move(root)) {}

  [[nodiscard]] bool exists(const std::string& path) const { return can(path, F_OK); }
  [[nodiscard]] bool can(const std::string& path, int mode) const {
    return access((root_ + path).c_str(), mode) == 0;
  }
  [[nodiscard]] std::string line(const std::string& path) const { return first_line(root_ + path); }

  // Is there a line in which each of the words occurs as a word?
  [[nodiscard]] bool has_line(const std::string& path,
                              const std::vector<std::string>& words) const {
    const Result<std::string> text = read_text(root_ + path);
    std::istringstream lines(text.value_or(""));
    for (std::string line; std::getline(lines, line);) {
      const std::vector<std::string> found = split_words(line);
      if (std::ranges::all_of(words, [&found](const std::string& word) {
            return std::ranges::find(found, word) != found.end();
          }))
        return true;
    }
    return false;
  }

  [[nodiscard]] bool has_text(const std::string& path, const std::string& part) const {
    return read_text(root_ + path).value_or("").find(part) != std::string::npos;
  }

  // Any of the capabilities does.
  [[nodiscard]] bool capable(const std::vector<unsigned>& capabilities) const {
    const Result<std::string> status = read_text(root_ + "/proc/self/status");
    const size_t key = status ? status->find("CapEff:") : std::string::npos;
    if (key == std::string::npos) return false;
    const uint64_t effective = std::strtoull(status->c_str() + key + 7, nullptr, 16);
    return std::ranges::any_of(capabilities,
                               [effective](unsigned bit) { return (effective >> bit & 1) != 0; });
  }

 private:
  std::string root_;
};

std::string module_folder(const Machine& machine) {
  return "/lib/modules/" + machine.line("/proc/sys/kernel/osrelease");
}

Check check_module_loading(const Machine& machine) {
  const bool disabled = machine.line("/proc/sys/kernel/modules_disabled") == "1";
  const bool has_modules = machine.exists("/proc/modules");
  return {"module_loading", "can modules be loaded in this kernel?", has_modules && !disabled,
          !has_modules ? "the kernel has no modules"
          : disabled   ? "kernel.modules_disabled is 1"
                       : "",
          has_modules ? "reboot: modules_disabled cannot be taken back"
                      : "use a kernel with CONFIG_MODULES"};
}

Check check_cap_sys_module(const Machine& machine) {
  return {"cap_sys_module", "may this user load and unload modules?",
          machine.capable({kCapSysModule}), "CAP_SYS_MODULE", kAsRoot};
}

Check check_signatures(const Machine& machine) {
  const std::string enforce = machine.line("/sys/module/module/parameters/sig_enforce");
  return {
      "unsigned_modules", "does the kernel take modules that nobody signed?", enforce != "Y",
      enforce == "Y" ? "module.sig_enforce is on" : "",
      "sign raceless.ko with a key that the kernel knows, or boot without module.sig_enforce=1"};
}

Check check_lockdown(const Machine& machine) {
  const std::string modes = machine.line("/sys/kernel/security/lockdown");
  const bool open = modes.empty() || modes.find("[none]") != std::string::npos;
  return {"no_lockdown", "is the kernel free of lockdown?", open,
          modes.empty() ? "no lockdown in this kernel" : modes,
          "turn secure boot off, or use make vm-shell"};
}

Check check_bpf_reads(const Machine& machine) {
  const std::string modes = machine.line("/sys/kernel/security/lockdown");
  return {"bpf_reads_kernel", "may eBPF programs read the kernel's memory?",
          modes.find("[confidentiality]") == std::string::npos,
          modes.empty() ? "no lockdown in this kernel" : modes,
          "boot without lockdown=confidentiality, or use make vm-shell"};
}

Check check_modprobe(const Machine& machine) {
  const std::string path = machine.line("/proc/sys/kernel/modprobe");
  return {"modprobe", "does the kernel find modprobe, to load on request?",
          !path.empty() && machine.can(path, X_OK),
          path.empty() ? "kernel.modprobe is empty" : path,
          "install kmod; sysctl kernel.modprobe=/sbin/modprobe"};
}

Check check_module_tree(const Machine& machine) {
  const std::string folder = module_folder(machine);
  return {"module_tree", "are this kernel's modules installed?",
          machine.exists(folder + "/modules.dep"), folder + "/modules.dep",
          "install the package of the running kernel's modules; depmod -a"};
}

Check check_kernel_log(const Machine& machine) {
  const bool restricted = machine.line("/proc/sys/kernel/dmesg_restrict") == "1";
  const bool readable = machine.can("/dev/kmsg", R_OK) &&
                        (!restricted || machine.capable({kCapSyslog, kCapSysAdmin}));
  return {"kernel_log", "can the kernel's log be read, to see it complain?", readable, "/dev/kmsg",
          kAsRoot};
}

Check check_bpf(const Machine& machine) {
  return {"bpf", "does the kernel have eBPF?",
          machine.exists("/proc/sys/kernel/unprivileged_bpf_disabled"), "",
          "use a kernel with CONFIG_BPF_SYSCALL"};
}

Check check_cap_bpf(const Machine& machine) {
  const bool both = machine.capable({kCapBpf}) && machine.capable({kCapPerfmon});
  return {"cap_bpf", "may this user attach eBPF programs?", both || machine.capable({kCapSysAdmin}),
          "CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN", kAsRoot};
}

Check check_btf(const Machine& machine) {
  return {"kernel_btf", "does the kernel describe its types (BTF)?",
          machine.exists("/sys/kernel/btf/vmlinux"), "/sys/kernel/btf/vmlinux",
          "use a kernel with CONFIG_DEBUG_INFO_BTF"};
}

Check check_tracepoints(const Machine& machine) {
  return {"module_tracepoints", "are there tracepoints for module loads and unloads?",
          machine.has_line("/proc/kallsyms", {"__traceiter_module_load"}), "module:module_load",
          "use a kernel with CONFIG_TRACEPOINTS and CONFIG_MODULES"};
}

Check check_fexit(const Machine& machine) {
  return {"fexit_try_module_get", "can the failures of try_module_get() be seen?",
          machine.has_line("/proc/kallsyms", {"try_module_get"}) &&
              machine.exists("/sys/kernel/btf/vmlinux") &&
              machine.has_line("/proc/kallsyms", {"register_ftrace_direct"}),
          "fexit on try_module_get",
          "use a kernel with CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS and CONFIG_DEBUG_INFO_BTF"};
}

Check check_bpffs(const Machine& machine) {
  return {"bpffs", "is a bpf file system mounted, to pin maps?",
          machine.has_line("/proc/self/mounts", {"/sys/fs/bpf", "bpf"}), "/sys/fs/bpf",
          "mount -t bpf bpf /sys/fs/bpf"};
}

Check check_registry(const Machine& machine) {
  const bool loaded = machine.exists("/sys/module/raceless");
  const bool installed = machine.has_text(module_folder(machine) + "/modules.dep", "/raceless.ko");
  return {"registry", "is raceless.ko there?", loaded || installed,
          loaded      ? "loaded"
          : installed ? "installed"
                      : "",
          "install it for this kernel, or use make vm-shell"};
}

// Only of a loaded one can it be said.
Check check_registry_btf(const Machine& machine) {
  const bool loaded = machine.exists("/sys/module/raceless");
  return {"registry_btf", "does the loaded raceless.ko describe its types (BTF), for the gate?",
          machine.exists("/sys/kernel/btf/raceless"),
          loaded ? "/sys/kernel/btf/raceless" : "it is not loaded",
          loaded ? "install dwarves and build it again, on 6.1 as docs/install.md says"
                 : "modprobe raceless, and ask again"};
}

Check check_providers(const Machine& machine) {
  const bool installed =
      machine.has_text(module_folder(machine) + "/modules.dep", "/raceless_sample_codec.ko");
  return {"providers", "are the providers there that storms on the registry use?", installed,
          "raceless_sample_codec and the like", "use make vm-shell, or build all of module/"};
}

Check check_ftrace(const Machine& machine) {
  const std::string path = "/proc/sys/kernel/ftrace_enabled";
  const bool exists = machine.exists(path);
  return {"ftrace", "can the kernel's functions be watched (ftrace)?", machine.line(path) == "1",
          exists ? "kernel.ftrace_enabled is " + machine.line(path) : "no ftrace in this kernel",
          exists ? "sysctl kernel.ftrace_enabled=1" : "use a kernel with CONFIG_DYNAMIC_FTRACE"};
}

Check check_sched_ext(const Machine& machine) {
  return {"sched_ext", "can a BPF program be the scheduler, to perturb?",
          machine.exists("/sys/kernel/sched_ext"), "/sys/kernel/sched_ext",
          "use a kernel with CONFIG_SCHED_CLASS_EXT, or KERNEL=scx for a guest"};
}

Check check_device(const Machine& machine) {
  const bool there = machine.exists(RACELESS_DEVICE);
  return {"device", "may this user use " RACELESS_DEVICE "?",
          machine.can(RACELESS_DEVICE, R_OK | W_OK), there ? "" : "it is not there",
          there ? kAsRoot : "modprobe raceless, or use make vm-shell"};
}

using CheckFunction = Check (*)(const Machine& machine);
constexpr CheckFunction kChecks[] = {
    check_module_loading, check_cap_sys_module, check_signatures, check_lockdown,
    check_modprobe,       check_module_tree,    check_kernel_log, check_bpf,
    check_cap_bpf,        check_bpf_reads,      check_btf,        check_tracepoints,
    check_fexit,          check_bpffs,          check_ftrace,     check_sched_ext,
    check_registry,       check_registry_btf,   check_providers,  check_device,
};

// Yes if all the checks that it needs say yes.
Check ability(const std::vector<Check>& checks, std::string name, std::string what,
              const std::vector<std::string>& needs) {
  std::string missing;
  for (const Check& check : checks) {
    if (check.yes || std::ranges::find(needs, check.name) == needs.end()) continue;
    missing += (missing.empty() ? "" : ", ") + check.name;
  }
  const bool yes = missing.empty();
  return {std::move(name), std::move(what), yes, yes ? "" : "needs " + missing, ""};
}

}  // namespace

Diagnosis diagnose(const std::string& root) {
  const Machine machine(root);
  Diagnosis diagnosis;
  for (const CheckFunction check : kChecks) diagnosis.checks.push_back(check(machine));
  const std::vector<Check>& checks = diagnosis.checks;
  diagnosis.abilities = {
      ability(checks, "storm_stock", "storm a module of this kernel",
              {"module_loading", "cap_sys_module", "modprobe", "module_tree", "kernel_log"}),
      ability(
          checks, "storm_module", "storm a module of your own",
          {"module_loading", "cap_sys_module", "unsigned_modules", "no_lockdown", "kernel_log"}),
      ability(checks, "storm_registry", "storm a provider of the registry",
              {"module_loading", "cap_sys_module", "unsigned_modules", "no_lockdown", "modprobe",
               "module_tree", "kernel_log", "registry", "providers"}),
      ability(checks, "trace", "trace loads, unloads and failed references",
              {"bpf", "cap_bpf", "bpf_reads_kernel", "kernel_btf", "module_tracepoints",
               "fexit_try_module_get", "ftrace", "bpffs"}),
      ability(checks, "holders", "list who holds a module",
              {"bpf", "cap_bpf", "bpf_reads_kernel", "kernel_btf"}),
      ability(checks, "gate", "turn the gate on",
              {"cap_sys_module", "bpf", "cap_bpf", "bpf_reads_kernel", "kernel_btf", "bpffs",
               "ftrace", "registry", "registry_btf"}),
      ability(checks, "perturb", "run a command under a scheduler that perturbs it",
              {"bpf", "cap_bpf", "bpf_reads_kernel", "kernel_btf", "sched_ext"}),
  };
  return diagnosis;
}

}  // namespace raceless
