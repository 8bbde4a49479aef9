// SPDX-License-Identifier: GPL-2.0
#include "accel.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cstring>
#include <fstream>
#include <sstream>

#include "process.h"

namespace raceless::vm {
namespace {

bool has_virtualisation_flag(const std::filesystem::path& cpuinfo) {
  std::ifstream in(cpuinfo);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("flags")) continue;
    std::istringstream words(line);
    for (std::string word; words >> word;)
      if (word == "vmx" || word == "svm") return true;
  }
  return false;
}

// Empty when it opens.
std::string device_problem(const std::filesystem::path& device) {
  Fd fd(open(device.c_str(), O_RDWR | O_CLOEXEC));
  return fd ? "" : fmt::format("cannot open {}: {}", device.string(), std::strerror(errno));
}

}  // namespace

Result<Accel> choose_accel(const std::string& wanted, const std::filesystem::path& root,
                           const std::function<Result<bool>()>& probe) {
  std::string problem = device_problem(root / "dev/kvm");
  if (wanted == "tcg") return Accel{"tcg", "asked for"};
  if (wanted == "kvm") {
    if (!problem.empty()) return fail(0, "kvm was asked for, but " + problem);
    return Accel{"kvm", "asked for"};
  }
  if (wanted != "auto")
    return fail(EINVAL, fmt::format("unknown accelerator {}; use auto, kvm or tcg", wanted));
  if (!has_virtualisation_flag(root / "proc/cpuinfo"))
    return Accel{"tcg", "no vmx or svm flag in /proc/cpuinfo"};
  if (!problem.empty()) return Accel{"tcg", problem};
  const Result<bool> works = probe();
  if (!works) return tl::unexpected(works.error());
  if (!*works) return Accel{"tcg", "a guest under kvm did not reach its end"};
  return Accel{"kvm", "a guest booted with it"};
}

}  // namespace raceless::vm
