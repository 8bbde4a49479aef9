// SPDX-License-Identifier: GPL-2.0
#include "map_reader.h"

#include <bpf/libbpf.h>
#include <sched.h>

#include <array>
#include <cerrno>
#include <numeric>

namespace raceless {
namespace {

// A program changes bucket, sum, count and maximum one after the other. Who reads a stack takes it
// out of the map for that moment.
constexpr int read_attempts = 16;

}  // namespace

Result<raceless_hist> read_histogram(int fd, const void* key, const std::string& what) {
  for (int attempt = 1;; attempt++) {
    raceless_hist hist{};
    if (bpf_map_lookup_elem(fd, key, &hist) != 0)
      return fail_errno("cannot read the BPF map " + what);
    const std::uint64_t recorded =
        std::accumulate(std::begin(hist.buckets), std::end(hist.buckets), std::uint64_t{0});
    if (recorded == hist.count) return hist;
    if (attempt == read_attempts) {
      hist.count = recorded;
      return hist;
    }
  }
}

Result<raceless_drops> read_drops(int fd) {
  const int cpus = libbpf_num_possible_cpus();
  if (cpus < 0) return fail(-cpus, "cannot tell how many CPUs there are");
  std::vector<raceless_drops> of_cpu(static_cast<std::size_t>(cpus));
  const std::uint32_t only = 0;
  if (bpf_map_lookup_elem(fd, &only, of_cpu.data()) != 0) {
    return fail_errno("cannot read the BPF map drops");
  }
  raceless_drops sum{};
  for (const raceless_drops& drops : of_cpu) {
    sum.events += drops.events;
    sum.keys += drops.keys;
    sum.stacks += drops.stacks;
    sum.maxima += drops.maxima;
    sum.tasks += drops.tasks;
  }
  return sum;
}

std::vector<std::uint64_t> read_stack(int fd, std::int32_t stack) {
  std::array<std::uint64_t, RACELESS_STACK_DEPTH> addresses{};
  if (stack < 0) return {};
  for (int attempt = 1; bpf_map_lookup_elem(fd, &stack, addresses.data()) != 0; attempt++) {
    if (errno != ENOENT || attempt == read_attempts) return {};
    sched_yield();
  }
  std::vector<std::uint64_t> frames;
  for (const std::uint64_t address : addresses) {
    if (address == 0) break;
    frames.push_back(address);
  }
  return frames;
}

}  // namespace raceless
