// SPDX-License-Identifier: GPL-2.0
// A guest kernel in the cache: the folder that vm/kernel prepares.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "../../controller/result.h"

namespace raceless::vm {

struct Kernel {
  std::filesystem::path folder;
  std::string release;

  [[nodiscard]] std::filesystem::path image() const { return folder / "vmlinuz"; }
  [[nodiscard]] std::filesystem::path modules() const {
    return folder / "root/lib/modules" / release;
  }
  // How many times the usual time and memory its guests need, for the checks that are built in.
  [[nodiscard]] unsigned weight() const;
  // Without ACPI it finds no HPET and no power management timer, and calls the TSC of several CPUs
  // unsynchronised: its clock, and its timers, would go by ticks of 4 ms.
  [[nodiscard]] bool lacks_clock() const;
};

// The kernel that the user named: 6.1, 6.12, their -rt, or a path. `vm/kernel` fetches what is
// missing.
[[nodiscard]] Result<Kernel> find_kernel(const std::filesystem::path& source_root,
                                         const std::string& selector);

// A folder that already is one.
[[nodiscard]] Result<Kernel> open_kernel(const std::filesystem::path& folder);

// The files of these modules and of all they depend on, as paths below modules(). A name may be an
// alias; what is built into the kernel needs no file. "all" stands for the whole tree.
[[nodiscard]] Result<std::vector<std::filesystem::path>> module_closure(
    const Kernel& kernel, const std::vector<std::string>& names);

// Is this module part of the kernel's image? One that is not known is not.
[[nodiscard]] bool is_built_in(const Kernel& kernel, const std::string& module);

// The name under which the kernel knows the module of this file.
[[nodiscard]] std::string module_name(const std::filesystem::path& file);

// The names that a module file outside the tree says it depends on.
[[nodiscard]] Result<std::vector<std::string>> module_dependencies(
    const std::filesystem::path& file);

// The vermagic release that a module file was built for.
[[nodiscard]] Result<std::string> module_release(const std::filesystem::path& file);

}  // namespace raceless::vm
