/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * One log-linear bucket layout for the module, the BPF programs and user space.
 *
 * Values are nanoseconds. Below RACELESS_HIST_SUB (8) each value has a bucket of
 * its own; above, each power of two is divided into 8 equal buckets, so that a
 * bucket is at most 1/8 of its lower bound wide: a quantile read off the upper
 * bound errs by at most 12.5 %. The last bucket takes everything from 2^42 ns
 * (73 minutes) on.
 *
 *	value	0 1 … 7 | 8 9 … 15 | 16-17 18-19 … 30-31 | 32-35 …
 *	bucket	0 1 … 7 | 8 9 … 15 | 16    17    … 23    | 24    …
 *
 * Plain C without calls or loops that depend on data, so that a BPF verifier
 * accepts it; needs only the fixed-width types of the includer's world.
 */
#ifndef _UAPI_RACELESS_HISTOGRAM_H
#define _UAPI_RACELESS_HISTOGRAM_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define RACELESS_HIST_SUB_BITS 3
#define RACELESS_HIST_SUB (1U << RACELESS_HIST_SUB_BITS)
#define RACELESS_HIST_MAX_BITS 42
#define RACELESS_HIST_BUCKETS                                                  \
	((RACELESS_HIST_MAX_BITS - RACELESS_HIST_SUB_BITS + 1) *               \
	 RACELESS_HIST_SUB + 1)

/**
 * struct raceless_hist - a histogram with its count, sum and maximum.
 * @count: values recorded; the sum of all buckets.
 * @sum: their sum (ns).
 * @max: the largest of them (ns), exact.
 * @buckets: how many fell into each bucket.
 */
struct raceless_hist {
	__u64 count;
	__u64 sum;
	__u64 max;
	__u64 buckets[RACELESS_HIST_BUCKETS];
};

_Static_assert(RACELESS_HIST_BUCKETS == 321, "321 buckets on every side");
_Static_assert(sizeof(struct raceless_hist) == 8 * (3 + 321), "no padding");

/* floor(log2(value)) of a value that is not 0; branches, for BPF's sake. */
static inline __u32 raceless_hist_log2(__u64 value)
{
	__u32 log = 0;

	if (value >> 32) {
		value >>= 32;
		log += 32;
	}
	if (value >> 16) {
		value >>= 16;
		log += 16;
	}
	if (value >> 8) {
		value >>= 8;
		log += 8;
	}
	if (value >> 4) {
		value >>= 4;
		log += 4;
	}
	if (value >> 2) {
		value >>= 2;
		log += 2;
	}
	return log + (__u32)(value >> 1);
}

/* The bucket of a value: 0 … RACELESS_HIST_BUCKETS - 1. */
static inline __u32 raceless_hist_bucket(__u64 value)
{
	__u32 shift;

	if (value < RACELESS_HIST_SUB)
		return (__u32)value;
	if (value >> RACELESS_HIST_MAX_BITS)
		return RACELESS_HIST_BUCKETS - 1;
	shift = raceless_hist_log2(value) - RACELESS_HIST_SUB_BITS;
	return (shift << RACELESS_HIST_SUB_BITS) + (__u32)(value >> shift);
}

/* The smallest value that falls into a bucket. */
static inline __u64 raceless_hist_lower(__u32 bucket)
{
	__u32 shift;

	if (bucket < RACELESS_HIST_SUB)
		return bucket;
	shift = (bucket >> RACELESS_HIST_SUB_BITS) - 1;
	return (__u64)(RACELESS_HIST_SUB + (bucket & (RACELESS_HIST_SUB - 1)))
	       << shift;
}

#endif /* _UAPI_RACELESS_HISTOGRAM_H */
