// SPDX-License-Identifier: GPL-2.0
// What raceless-bench can run. Each registers its benchmarks, named GROUP/WHAT/KEY:VALUE….
#ifndef RACELESS_BENCH_BENCHMARKS_H
#define RACELESS_BENCH_BENCHMARKS_H

#include "bench_device.h"

namespace raceless {

// pairs/MECHANISM/threads:N: ns that a thread takes for one get and put, while N do the same.
// pairs/raceless_by_name/names:M/threads:N: the same, among M names.
Status register_counts(const BenchDevice& device);

// wait/WHAT/batch:N: ns for N objects together.
Status register_waits(const BenchDevice& device);

}  // namespace raceless

#endif
