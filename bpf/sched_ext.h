/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What scheduler.bpf.c needs of sched_ext, which the kernel that vmlinux.h comes from has not:
 * of each type the fields that are used, which libbpf finds by their names. Facts:
 * kernel/sched/ext.c of Linux 6.12, the BTF of 7.3.
 */
#ifndef RACELESS_BPF_SCHED_EXT_H
#define RACELESS_BPF_SCHED_EXT_H

#include "kernel.h"

/* An anonymous enum of the kernel's cannot be found by its name; these are ABI for schedulers. */
#define SCX_OPS_ENQ_LAST 2ULL
#define SCX_DSQ_LOCAL	 0x8000000000000002ULL
#define SCX_KICK_IDLE	 1ULL
#define SCX_KICK_PREEMPT 2ULL

/* Of include/linux/numa.h. */
#define NUMA_NO_NODE (-1)

/* Of include/uapi/linux/time.h. */
#define CLOCK_MONOTONIC 1

enum scx_exit_kind {
	SCX_EXIT_NONE,
};

struct scx_exit_info {
	enum scx_exit_kind kind;
	const char *reason;
} __attribute__((preserve_access_index));

/* What a task has of sched_ext: 6.1's task_struct has no such member. */
struct sched_ext_entity {
	__u64 dsq_vtime;
} __attribute__((preserve_access_index));

struct task_struct___scx {
	struct sched_ext_entity scx;
} __attribute__((preserve_access_index));

struct sched_ext_ops {
	__s32 (*select_cpu)(struct task_struct *task, __s32 previous,
			    __u64 flags);
	void (*enqueue)(struct task_struct *task, __u64 flags);
	void (*dispatch)(__s32 cpu, struct task_struct *previous);
	__s32 (*init)(void);
	void (*exit)(struct scx_exit_info *info);
	__u64 flags;
	__u32 timeout_ms;
	char name[128];
};

struct bpf_iter_scx_dsq {
	__u64 opaque[6];
};

__s32 scx_bpf_create_dsq(__u64 dsq, __s32 node) __ksym;
__s32 scx_bpf_select_cpu_dfl(struct task_struct *task, __s32 previous,
			     __u64 flags, bool *idle) __ksym;
void scx_bpf_kick_cpu(__s32 cpu, __u64 flags) __ksym;
__ksym __u32 scx_bpf_nr_cpu_ids(void);

__ksym void bpf_rcu_read_lock(void);
__ksym void bpf_rcu_read_unlock(void);

int bpf_iter_scx_dsq_new(struct bpf_iter_scx_dsq *iterator, __u64 dsq,
			 __u64 flags) __ksym;
__ksym struct task_struct *
bpf_iter_scx_dsq_next(struct bpf_iter_scx_dsq *iterator);
void bpf_iter_scx_dsq_destroy(struct bpf_iter_scx_dsq *iterator) __ksym;

/* 6.12 has the first name, later kernels the second: the one that is missing is never reached. */
void scx_bpf_dispatch(struct task_struct *task, __u64 dsq, __u64 slice,
		      __u64 flags) __ksym __weak;
void scx_bpf_dsq_insert(struct task_struct *task, __u64 dsq, __u64 slice,
			__u64 flags) __ksym __weak;
void scx_bpf_dispatch_vtime(struct task_struct *task, __u64 dsq, __u64 slice,
			    __u64 vtime, __u64 flags) __ksym __weak;
void scx_bpf_dsq_insert_vtime(struct task_struct *task, __u64 dsq, __u64 slice,
			      __u64 vtime, __u64 flags) __ksym __weak;
bool scx_bpf_dispatch_vtime_from_dsq(struct bpf_iter_scx_dsq *iterator,
				     struct task_struct *task, __u64 dsq,
				     __u64 flags) __ksym __weak;
bool scx_bpf_dsq_move_vtime(struct bpf_iter_scx_dsq *iterator,
			    struct task_struct *task, __u64 dsq,
			    __u64 flags) __ksym __weak;
bool scx_bpf_consume(__u64 dsq) __ksym __weak;
bool scx_bpf_dsq_move_to_local(__u64 dsq) __ksym __weak;

/* Which of the two: set before the programs are loaded. */
const volatile bool has_dsq_names = false;

/* Into the queue of the CPU that asks. */
static __always_inline void insert_local(struct task_struct *task, __u64 slice,
					 __u64 flags)
{
	if (has_dsq_names)
		scx_bpf_dsq_insert(task, SCX_DSQ_LOCAL, slice, flags);
	else
		scx_bpf_dispatch(task, SCX_DSQ_LOCAL, slice, flags);
}

/* Into a queue in the order of a time. */
static __always_inline void insert_ordered(struct task_struct *task, __u64 dsq,
					   __u64 slice, __u64 time, __u64 flags)
{
	if (has_dsq_names)
		scx_bpf_dsq_insert_vtime(task, dsq, slice, time, flags);
	else
		scx_bpf_dispatch_vtime(task, dsq, slice, time, flags);
}

/* From the queue that is iterated over to another one; false if it is in the first no more. */
static __always_inline bool move_ordered(struct bpf_iter_scx_dsq *from,
					 struct task_struct *task, __u64 dsq)
{
	if (has_dsq_names)
		return scx_bpf_dsq_move_vtime(from, task, dsq, 0);
	return scx_bpf_dispatch_vtime_from_dsq(from, task, dsq, 0);
}

/* The CPU that asks takes the first that it may run. */
static __always_inline void take_first(__u64 dsq)
{
	if (has_dsq_names)
		scx_bpf_dsq_move_to_local(dsq);
	else
		scx_bpf_consume(dsq);
}

#endif /* RACELESS_BPF_SCHED_EXT_H */
