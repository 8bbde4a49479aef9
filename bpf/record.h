/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counting without losses, shared by all objects of this folder.
 *
 * Numbers live in maps shared by all CPUs, so that a dump of the map shows the
 * number itself, and are only ever changed by atomic instructions: programs of
 * one CPU can interrupt each other, and those of different CPUs run at once. A
 * reader sees no torn number, but may see a histogram between its bucket and
 * its sum. What cannot be recorded is counted in `drops`.
 */
#ifndef RACELESS_BPF_RECORD_H
#define RACELESS_BPF_RECORD_H

#include "counters.h"
#include "event.h"
#include "kernel.h"

/* Fill the ring buffer: only if somebody reads it. */
const volatile bool emit_events = false;

#define HISTOGRAM(histogram)                                                   \
	struct {                                                               \
		__uint(type, BPF_MAP_TYPE_ARRAY);                              \
		__uint(max_entries, 1);                                        \
		__type(key, __u32);                                            \
		__type(value, struct raceless_hist);                           \
	} histogram SEC(".maps")

/* A number for each key. User space adds the keys of an enum beforehand. */
#define COUNTER(counter, key_type, keys)                                       \
	struct {                                                               \
		__uint(type, BPF_MAP_TYPE_HASH);                               \
		__uint(max_entries, keys);                                     \
		__type(key, key_type);                                         \
		__type(value, __u64);                                          \
	} counter SEC(".maps")

/* A histogram for each key. */
#define HISTOGRAMS(histograms, key_type, keys)                                 \
	struct {                                                               \
		__uint(type, BPF_MAP_TYPE_HASH);                               \
		__uint(max_entries, keys);                                     \
		__type(key, key_type);                                         \
		__type(value, struct raceless_hist);                           \
	} histograms SEC(".maps")

/* User space makes this one map, and the next two, for all objects. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct raceless_drops);
} drops SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__uint(value_size, RACELESS_STACK_DEPTH * sizeof(__u64));
} stacks SEC(".maps");

/* Adds to the number at an offset of the one value that an array map has. */
static __always_inline void add_to(void *sums, __u64 offset, __u64 times)
{
	__u32 only = 0;
	void *value = bpf_map_lookup_elem(sums, &only);

	if (value)
		__sync_fetch_and_add((__u64 *)(value + offset), times);
}

/* DROP(events); atomic although per CPU, since an interrupt may drop as well. */
#define DROP(kind)                                                             \
	add_to(&drops, __builtin_offsetof(struct raceless_drops, kind), 1)

static __always_inline void raise(__u64 *maximum, __u64 value)
{
	int try;

	/* Each lost round means that somebody else raised it meanwhile. */
	for (try = 0; try < 64; try++) {
		__u64 seen = *(volatile __u64 *)maximum;

		if (seen >= value)
			return;
		if (__sync_val_compare_and_swap(maximum, seen, value) == seen)
			return;
	}
	DROP(maxima);
}

static __always_inline void record_into(struct raceless_hist *hist, __u64 ns)
{
	__u32 bucket = raceless_hist_bucket(ns);

	/* The verifier must see the check that the compiler might prove away. */
	barrier_var(bucket);
	if (!hist || bucket >= RACELESS_HIST_BUCKETS)
		return;
	__sync_fetch_and_add(&hist->buckets[bucket], 1);
	__sync_fetch_and_add(&hist->sum, ns);
	__sync_fetch_and_add(&hist->count, 1);
	raise(&hist->max, ns);
}

static __always_inline void record_ns(void *histogram, __u64 ns)
{
	__u32 only = 0;

	record_into(bpf_map_lookup_elem(histogram, &only), ns);
}

/* Of the key's own histogram; @empty is one too large for a program's stack. */
static __always_inline void record_ns_of(void *histograms, void *empty,
					 const void *key, __u64 ns)
{
	struct raceless_hist *hist = bpf_map_lookup_elem(histograms, key);
	__u32 only = 0;

	if (!hist) {
		void *nothing = bpf_map_lookup_elem(empty, &only);

		/* Somebody else may add it first (EEXIST): theirs will do. */
		if (nothing)
			bpf_map_update_elem(histograms, key, nothing,
					    BPF_NOEXIST);
		hist = bpf_map_lookup_elem(histograms, key);
	}
	if (hist)
		record_into(hist, ns);
	else
		DROP(keys);
}

static __always_inline void count(void *counter, const void *key, __u64 times)
{
	__u64 *number = bpf_map_lookup_elem(counter, key);

	if (!number) {
		__u64 zero = 0;

		/* Somebody else may add it first (EEXIST): theirs will do. */
		bpf_map_update_elem(counter, key, &zero, BPF_NOEXIST);
		number = bpf_map_lookup_elem(counter, key);
	}
	if (number)
		__sync_fetch_and_add(number, times);
	else
		DROP(keys);
}

/* NULL when nobody reads, or (counted) when the reader is too slow. */
static __always_inline void *begin_event(__u32 type, __u64 bytes)
{
	struct raceless_event *event;

	if (!emit_events)
		return NULL;
	event = bpf_ringbuf_reserve(&events, bytes, 0);
	if (!event) {
		DROP(events);
		return NULL;
	}
	event->type = type;
	event->cpu = bpf_get_smp_processor_id();
	event->time_ns = bpf_ktime_get_ns();
	return event;
}

/*
 * The reader looks by itself, ten times a second or more often. It is woken only
 * when a quarter of the buffer waits for it: a wake-up for each event would cost the thread
 * that is watched more than the event.
 */
static __always_inline void submit_event(void *event)
{
	__u64 waiting = bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA);
	__u64 room = bpf_ringbuf_query(&events, BPF_RB_RING_SIZE);

	bpf_ringbuf_submit(event, waiting >= room / 4 ? BPF_RB_FORCE_WAKEUP :
							BPF_RB_NO_WAKEUP);
}

/* The stack's number in `stacks`; negative if it collides with another one. */
static __always_inline __s32 stack_of(void *ctx)
{
	long stack = bpf_get_stackid(ctx, &stacks, 0);

	if (stack < 0) {
		DROP(stacks);
		return -1;
	}
	return stack;
}

static __always_inline __u32 current_tid(void)
{
	return (__u32)bpf_get_current_pid_tgid();
}

static __always_inline __u32 current_tgid(void)
{
	return bpf_get_current_pid_tgid() >> 32;
}

#endif /* RACELESS_BPF_RECORD_H */
