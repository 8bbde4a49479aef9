// SPDX-License-Identifier: GPL-2.0
#include "kernel_btf.h"

#include <utility>

#include "libbpf_log.h"

namespace raceless {

Result<KernelBtf> KernelBtf::load() {
  const LibbpfLog log;
  Types kernel(btf__load_vmlinux_btf());
  if (!kernel) {
    return log.fail(errno,
                    "cannot read this kernel's BTF (/sys/kernel/btf/vmlinux); "
                    "tracing needs one built with CONFIG_DEBUG_INFO_BTF");
  }
  Types registry(btf__load_module_btf("raceless", kernel.get()));
  return KernelBtf(std::move(kernel), std::move(registry));
}

std::string KernelBtf::lacks(const std::string& section) const {
  const auto slash = section.find('/');
  if (slash == std::string::npos) return "it names nothing to attach to";
  const std::string hook = section.substr(0, slash);
  const std::string name = section.substr(slash + 1);
  const auto has = [](const Types& types, const std::string& type, std::uint32_t kind) {
    return types && btf__find_by_name_kind(types.get(), type.c_str(), kind) > 0;
  };
  if (hook == "tp_btf") {
    const std::string type = "btf_trace_" + name;
    if (has(kernel_, type, BTF_KIND_TYPEDEF) || has(registry_, type, BTF_KIND_TYPEDEF)) return {};
    return "there is no tracepoint " + name;
  }
  if (has(kernel_, name, BTF_KIND_FUNC) || has(registry_, name, BTF_KIND_FUNC)) return {};
  return "there is no function " + name + "() that BPF could attach to";
}

}  // namespace raceless
