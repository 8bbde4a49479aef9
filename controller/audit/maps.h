// SPDX-License-Identifier: GPL-2.0
// The pinned BPF maps as bpftool shows them, against what run.json says of them.
#ifndef RACELESS_CONTROLLER_AUDIT_MAPS_H
#define RACELESS_CONTROLLER_AUDIT_MAPS_H

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "audit/comparison.h"
#include "result.h"

namespace raceless {

// `bpftool -j map dump pinned PATH`.
[[nodiscard]] Result<nlohmann::json> dump_map(const std::string& path);

// Of a storm on a provider whose maps were left pinned (storm --maps). `dump` gives a map by its
// name.
[[nodiscard]] Status compare_maps(
    const nlohmann::json& run,
    const std::function<Result<nlohmann::json>(const std::string&)>& dump, Comparison& comparison);

}  // namespace raceless

#endif
