// SPDX-License-Identifier: GPL-2.0
/*
 * A scheduler that makes races likely (`raceless perturb`): tasks are stopped at
 * any moment, some of them for long, and go on in another order, and on another
 * CPU. What the n-th decision is follows from the seed; which task it meets does not.
 *
 * A task that may run is in one of two queues, both in the order of a time: READY,
 * from which each CPU takes the first that it may run; and HELD, whose tasks may not run
 * before that time. A timer, at random moments, moves those whose time has come from HELD to
 * READY, wakes idle CPUs for them, and stops what runs on one CPU. It is the only one that
 * ends a hold: it is armed before the first task comes, and arms itself again each
 * time. It runs as a soft interrupt, in ksoftirqd at the worst, which is bound to its
 * CPU as are other threads that the kernel cannot do without: what is bound to one
 * CPU is never held.
 * If it stopped all the same, the kernel's watchdog would throw this scheduler out after
 * TIMEOUT_MS, and each task be scheduled as before.
 *
 * Where kernel code is not preemptible (preempt=none, voluntary) a task is stopped in user
 * space, and where it would give up its CPU anyhow.
 */
#include "sched_ext.h"

char LICENSE[] SEC("license") = "GPL";

/* Of a hundred tasks that become ready, or are stopped, so many are held. */
const volatile __u32 held_percent = 10;
const volatile __u64 seed = 1;
/* A hold lasts for 1 µs × 2^n, of which this is the largest n, but no longer than that. */
const volatile __u32 longest_hold_shift = 13;
const volatile __u64 longest_hold_ns = 8000000;

/* What has been done so far, and why the kernel has ended it. */
__u64 nr_held = 0;
__u64 nr_kicks = 0;
__u64 nr_draws = 0;
__s32 exit_kind = SCX_EXIT_NONE;
char exit_reason[128] = {};

#define READY 1
#define HELD  2

#define NSEC_PER_USEC 1000ULL
#define TIMEOUT_MS    10000
/* The timer's pauses are 32 µs × 2^n. */
#define SHORTEST_PAUSE_SHIFT 5
#define LONGEST_PAUSE_SHIFT  12
/* Tasks that are ready overtake each other by so much. */
#define DISORDER_SHIFT 22 /* 4 ms */
/* A task that nobody stops sooner has this long. */
#define SLICE_NS (5000 * NSEC_PER_USEC)
/* How many holds one run of the timer can end. */
#define MAX_ENDED 512

struct tick {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tick);
} ticks SEC(".maps");

/* The finaliser of splitmix64, by Sebastiano Vigna: each bit depends on all bits of the number. */
static __always_inline __u64 mix(__u64 number)
{
	number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9ULL;
	number = (number ^ (number >> 27)) * 0x94d049bb133111ebULL;
	return number ^ (number >> 31);
}

static __always_inline __u64 draw(void)
{
	__u64 number = __sync_fetch_and_add(&nr_draws, 1);

	return mix(seed + (number + 1) * 0x9e3779b97f4a7c15ULL);
}

/* A CPU that is idle if there is one; what runs there is decided in enqueue(). */
SEC("struct_ops/select_cpu")
__s32 BPF_PROG(select_cpu, struct task_struct *task, __s32 previous, __u64 flags)
{
	bool idle = false;

	return scx_bpf_select_cpu_dfl(task, previous, flags, &idle);
}

SEC("struct_ops/enqueue")
void BPF_PROG(enqueue, struct task_struct *task, __u64 flags)
{
	__u64 now = bpf_ktime_get_ns(), plan, hold;
	__u32 shift;

	if (task->nr_cpus_allowed == 1 || task->migration_disabled) {
		insert_local(task, SLICE_NS, flags);
		return;
	}
	plan = draw();
	if (plan % 100 >= held_percent) {
		plan = (plan / 100) & ((1ULL << DISORDER_SHIFT) - 1);
		insert_ordered(task, READY, SLICE_NS, now + plan, flags);
		return;
	}
	__sync_fetch_and_add(&nr_held, 1);
	shift = plan / 100 % (longest_hold_shift + 1);
	hold = NSEC_PER_USEC << (shift & 31);
	if (hold > longest_hold_ns)
		hold = longest_hold_ns;
	insert_ordered(task, HELD, SLICE_NS, now + hold, flags);
}

SEC("struct_ops/dispatch")
void BPF_PROG(dispatch, __s32 cpu, struct task_struct *previous)
{
	take_first(READY);
}

/* Those whose time has come. HELD is in the order of these times. */
static __always_inline bool end_holds(void)
{
	__u64 now = bpf_ktime_get_ns();
	struct bpf_iter_scx_dsq held;
	struct task_struct *task;
	bool ended = false;
	int i;

	/* The callback of a program that may sleep: the verifier takes it for one that may, too. */
	bpf_rcu_read_lock();
	if (bpf_iter_scx_dsq_new(&held, HELD, 0) == 0) {
		for (i = 0; i < MAX_ENDED; i++) {
			task = bpf_iter_scx_dsq_next(&held);
			if (!task)
				break;
			if (BPF_CORE_READ((struct task_struct___scx *)task,
					  scx.dsq_vtime) > now)
				break;
			ended |= move_ordered(&held, task, READY);
		}
	}
	bpf_iter_scx_dsq_destroy(&held);
	bpf_rcu_read_unlock();
	return ended;
}

static int on_tick(void *map, __u32 *key, struct tick *tick)
{
	__u32 cpus = scx_bpf_nr_cpu_ids(), cpu;
	__u64 plan = draw();

	if (end_holds())
		for (cpu = 0; cpu < cpus && cpu < 64; cpu++)
			scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
	__sync_fetch_and_add(&nr_kicks, 1);
	scx_bpf_kick_cpu(plan % cpus, SCX_KICK_PREEMPT);
	plan = plan / cpus %
	       (LONGEST_PAUSE_SHIFT - SHORTEST_PAUSE_SHIFT + 1);
	bpf_timer_start(&tick->timer,
			NSEC_PER_USEC << (SHORTEST_PAUSE_SHIFT + plan), 0);
	return 0;
}

/* Sleeps. */
SEC("struct_ops/init")
__s32 BPF_PROG(init)
{
	struct tick *tick;
	__u32 key = 0;
	__s32 error;

	error = scx_bpf_create_dsq(READY, NUMA_NO_NODE);
	if (error)
		return error;
	error = scx_bpf_create_dsq(HELD, NUMA_NO_NODE);
	if (error)
		return error;
	tick = bpf_map_lookup_elem(&ticks, &key);
	if (!tick)
		return -ENOENT;
	error = bpf_timer_init(&tick->timer, &ticks, CLOCK_MONOTONIC);
	if (error)
		return error;
	error = bpf_timer_set_callback(&tick->timer, on_tick);
	if (error)
		return error;
	return bpf_timer_start(&tick->timer, NSEC_PER_USEC << LONGEST_PAUSE_SHIFT, 0);
}

SEC("struct_ops/exit")
void BPF_PROG(leave, struct scx_exit_info *info)
{
	bpf_probe_read_kernel_str(exit_reason, sizeof(exit_reason),
				  BPF_CORE_READ(info, reason));
	exit_kind = BPF_CORE_READ(info, kind);
}

SEC(".struct_ops")
struct sched_ext_ops scheduler = {
	.select_cpu = (void *)select_cpu,
	.enqueue = (void *)enqueue,
	.dispatch = (void *)dispatch,
	.init = (void *)init,
	.exit = (void *)leave,
	.flags = SCX_OPS_ENQ_LAST,
	.timeout_ms = TIMEOUT_MS,
	.name = "raceless",
};
