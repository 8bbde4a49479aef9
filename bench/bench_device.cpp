// SPDX-License-Identifier: GPL-2.0
#include "bench_device.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>
#include <sstream>

#include "text_file.h"
#include "uapi/bench.h"

namespace raceless {
namespace {

template <size_t N>
Status copy_name(char (&field)[N], const std::string& name) {
  if (name.size() >= N) return fail(ENAMETOOLONG, "no such benchmark: " + name);
  std::memcpy(field, name.c_str(), name.size() + 1);
  return {};
}

}  // namespace

Result<BenchDevice> BenchDevice::open() {
  FileDescriptor fd(::open(RACELESS_BENCH_DEVICE, O_RDWR | O_CLOEXEC));
  if (!fd)
    return fail_errno("cannot open " RACELESS_BENCH_DEVICE
                      "; needs root and raceless_bench.ko (modprobe raceless_bench)");
  return BenchDevice(std::move(fd));
}

Result<std::vector<std::string>> BenchDevice::names(const std::string& kind) const {
  const Result<std::string> text = read_text(RACELESS_BENCH_DEVICE);
  if (!text) return tl::unexpected(text.error());
  std::vector<std::string> found;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(kind)) found.push_back(line.substr(kind.size()));
  return found;
}

Result<uint64_t> BenchDevice::time_pairs(const std::string& mechanism, uint32_t threads,
                                         uint64_t loops, uint32_t population) const {
  raceless_bench_run run{};
  run.size = sizeof(run);
  run.threads = threads;
  run.loops = loops;
  run.population = population;
  if (Status copied = copy_name(run.mechanism, mechanism); !copied)
    return tl::unexpected(copied.error());
  if (ioctl(fd_.get(), RACELESS_BENCH_IOC_RUN, &run) != 0)
    return fail_errno("cannot time " + mechanism + " on " + std::to_string(threads) + " CPUs");
  return run.ns;
}

Result<uint64_t> BenchDevice::time_wait(const std::string& wait, uint32_t batch) const {
  raceless_bench_wait arg{};
  arg.size = sizeof(arg);
  arg.batch = batch;
  if (Status copied = copy_name(arg.wait, wait); !copied) return tl::unexpected(copied.error());
  if (ioctl(fd_.get(), RACELESS_BENCH_IOC_WAIT, &arg) != 0)
    return fail_errno("cannot time " + wait + " of " + std::to_string(batch));
  return arg.ns;
}

}  // namespace raceless
