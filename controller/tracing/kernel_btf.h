// SPDX-License-Identifier: GPL-2.0
// What the running kernel offers to attach to, as its type information tells.
#ifndef RACELESS_CONTROLLER_TRACING_KERNEL_BTF_H
#define RACELESS_CONTROLLER_TRACING_KERNEL_BTF_H

#include <bpf/btf.h>

#include <memory>
#include <string>

#include "../result.h"

namespace raceless {

class KernelBtf {
 public:
  static Result<KernelBtf> load();

  // raceless.ko is loaded and was built with BTF.
  [[nodiscard]] bool has_registry() const { return registry_ != nullptr; }

  // Empty if a program with this section name ("fexit/try_module_get") has something to attach
  // to; else why not.
  [[nodiscard]] std::string lacks(const std::string& section) const;

 private:
  struct Free {
    void operator()(btf* types) const { btf__free(types); }
  };
  using Types = std::unique_ptr<btf, Free>;

  KernelBtf(Types kernel, Types registry)
      : kernel_(std::move(kernel)), registry_(std::move(registry)) {}

  Types kernel_;
  Types registry_;  // split BTF on top of kernel_, hence destroyed first; may be null
};

}  // namespace raceless

#endif
