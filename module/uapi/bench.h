/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * /dev/raceless_bench: times mechanisms inside the kernel, for bench/.
 *
 * Reading it lists what can be timed, one name a line. No ABI: it changes with
 * the benchmarks.
 */
#ifndef _UAPI_RACELESS_BENCH_H
#define _UAPI_RACELESS_BENCH_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define RACELESS_BENCH_DEVICE "/dev/raceless_bench"
#define RACELESS_BENCH_NAME_SIZE 40
#define RACELESS_BENCH_MAX_THREADS 64
#define RACELESS_BENCH_MAX_LOOPS 10000000ULL
#define RACELESS_BENCH_MAX_POPULATION 100000

/**
 * struct raceless_bench_run - takes and drops references, @loops times.
 * @size: of this structure.
 * @threads: one on each of the first online CPUs, begun together: EINVAL if
 *	there are fewer CPUs.
 * @loops: pairs of get and put, of each thread.
 * @population: how many other names are registered; for those who look up.
 * @reserved: zero.
 * @mechanism: whose; ENOENT if there is no such.
 * @ns: out: from the common start to the end of the last thread.
 */
struct raceless_bench_run {
	__u32 size;
	__u32 threads;
	__u64 loops;
	__u32 population;
	__u32 reserved;
	char mechanism[RACELESS_BENCH_NAME_SIZE];
	__u64 ns;
};

/**
 * struct raceless_bench_wait - does something slow once.
 * @size: of this structure.
 * @batch: on how many objects together.
 * @wait: what; ENOENT if there is no such.
 * @ns: out: how long it took.
 */
struct raceless_bench_wait {
	__u32 size;
	__u32 batch;
	char wait[RACELESS_BENCH_NAME_SIZE];
	__u64 ns;
};

#define RACELESS_BENCH_IOC_RUN _IOWR('r', 0xf0, struct raceless_bench_run)
#define RACELESS_BENCH_IOC_WAIT _IOWR('r', 0xf1, struct raceless_bench_wait)

#endif /* _UAPI_RACELESS_BENCH_H */
