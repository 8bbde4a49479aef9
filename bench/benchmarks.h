// SPDX-License-Identifier: GPL-2.0
// What raceless-bench can run, in parts. Each registers its benchmarks, named PART/WHAT/KEY:VALUE….
#ifndef RACELESS_BENCH_BENCHMARKS_H
#define RACELESS_BENCH_BENCHMARKS_H

#include <vector>

#include "bench_device.h"
#include "settings.h"

namespace raceless {

struct Part {
  const char* name;
  const char* what;
  // Google Benchmark's, where the command line does not say otherwise. Repetitions of all
  // benchmarks of a part are interleaved if that makes no names anew.
  int repetitions;
  bool interleaved;
  Status (*add)(const BenchDevice& device, const Settings& settings);
};

// pairs/MECHANISM/threads:N: ns that a thread takes for one get and put, while N do the same.
// pairs/raceless_by_name/names:M/threads:N: the same, among M names.
Status add_pairs(const BenchDevice& device, const Settings& settings);

// names/MECHANISM/names:M/threads:1: the same for 10 to 100,000 names, and what they take in
// memory.
Status add_names(const BenchDevice& device, const Settings& settings);

// waits/WHAT/batch:N: ns for N objects together, or until N waiters run.
Status add_waits(const BenchDevice& device, const Settings& settings);

// storms/WHAT: ns for one load and unload of a module.
Status add_storms(const BenchDevice& device, const Settings& settings);

// replacements/WAY: ns for one replacement of a provider under its consumers; gets that failed,
// gets that slept, and the longest wait in units of the replacement that was waited for, as
// counters.
Status add_replacements(const BenchDevice& device, const Settings& settings);

// gate/WHAT/on:N: ns for a get and put, a socket, a mount, a load that meet no dying module,
// without the gate and with it.
Status add_gate(const BenchDevice& device, const Settings& settings);

constexpr Part kParts[] = {
    {"pairs", "a get and put, on 1, 2, 4 … CPUs", 5, true, add_pairs},
    {"names", "lookups among 10 to 100,000 names", 5, false, add_names},
    {"waits", "unloads, grace periods, flights", 21, true, add_waits},
    {"storms", "loads and unloads of a module", 3, true, add_storms},
    {"replacements", "of a provider under its consumers", 1, false, add_replacements},
    {"gate", "what the gate costs who meets no dying module", 9, false, add_gate},
};

}  // namespace raceless

#endif
