/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the gate keeps of the call that a task is in.
 */
#ifndef RACELESS_BPF_GATE_CALL_H
#define RACELESS_BPF_GATE_CALL_H

#include "kernel.h"

#include "gate_kfuncs.h"
#include "missing.h"

/* Macros of the kernel, which BTF does not carry. */
#define TS_COMPAT		 0x2
#define PF_IO_WORKER		 0x10
#define PF_KTHREAD		 0x200000
#define X32_SYSCALL_BIT		 0x40000000
#define NR_IO_URING_ENTER	 426 /* of 64 and of 32 bits */

/* What the call met that a task is in. Only the task itself touches it. */
struct in_call {
	struct raceless_gate_evidence evidence;
	__u64 nr; /* the call's number */
	__u64 requested_ns; /* from a request to its modprobe's end; else 0 */
	__u32 known; /* raceless.ko knows a call of this task, and waits for its end */
	__u32 loading; /* in finit_module or init_module */
	__u32 unloading; /* in delete_module */
	__u32 marked; /* it counts in nr_marked */
	__u32 suspected; /* how often it was retried although it had met nothing */
	__u64 raced_before; /* what nr_raced_ended was when this load began */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct in_call);
} gate_calls SEC(".maps");

/*
 * Tasks whose call has met anything, until its end, or their own. While there are
 * any, the ends of all listed calls are slower.
 */
__u64 nr_marked = 0;

/*
 * Tasks in delete_module, and when one left it last. Not those that were in there
 * already when the gate was turned on: only what has begun here ends here.
 */
__u64 nr_deletes = 0, last_delete_ns = 0;

/*
 * Loads that met a dying module, and how many of these have ended. Since 6.5
 * finit_module of a file whose load is under way has the result of that load, looks
 * for no module, and may come to see the error when the module is gone long since:
 * the two overlapped, and that is all that is known. One whose end is not seen, as
 * the program is skipped, stays begun: errors of shared loads are retried in vain
 * then, within the bound.
 */
__u64 nr_raced_begun = 0, nr_raced_ended = 0;

static __always_inline bool is_near_delete(void)
{
	return nr_deletes ||
	       (last_delete_ns && bpf_ktime_get_ns() - last_delete_ns < RACELESS_GATE_NEAR_NS);
}

static __always_inline struct in_call *this_call(__u64 flags)
{
	return bpf_task_storage_get(&gate_calls, bpf_get_current_task_btf(),
				    NULL, flags);
}

static __always_inline bool is_compat(void)
{
	return bpf_get_current_task_btf()->thread_info.status & TS_COMPAT;
}

static __always_inline __u64 this_nr(void)
{
	struct pt_regs *regs =
		(void *)bpf_task_pt_regs(bpf_get_current_task_btf());

	return regs->orig_ax & ~(__u64)X32_SYSCALL_BIT;
}

static __always_inline bool is_listed(__u64 nr)
{
	if (nr == 430 || nr == 431) /* fsopen, fsconfig */
		return true;
	if (is_compat())
		return nr == 21 || nr == 102 || nr == 128 || nr == 350 ||
		       nr == 359 || nr == 360 || nr == 361 || nr == 365 ||
		       nr == 366;
	return nr == 165 || nr == 313 || nr == 175 || nr == 41 || nr == 53 ||
	       nr == 49 || nr == 54 || nr == 55;
}

static __always_inline bool is_of_a_call(void)
{
	return !(bpf_get_current_task_btf()->flags & (PF_IO_WORKER | PF_KTHREAD));
}

/* Counted, as there is no call that could be restarted. */
static __always_inline bool is_open(void)
{
	__u32 flags = bpf_get_current_task_btf()->flags;

	if (flags & PF_KTHREAD)
		raceless_gate_opened(RACELESS_GATE_OPEN_KTHREAD);
	else if ((flags & PF_IO_WORKER) || this_nr() == NR_IO_URING_ENTER)
		raceless_gate_opened(RACELESS_GATE_OPEN_IO_URING);
	else if (!is_listed(this_nr()))
		raceless_gate_opened(RACELESS_GATE_OPEN_UNLISTED);
	else
		return false;
	return true;
}

/*
 * What is kept of an earlier call is not this one's. NULL if there is no memory, or
 * if a task was preempted on this CPU while it looked for its own (since 6.2: while
 * it made it).
 */
static __always_inline struct in_call *enter_call(void)
{
	struct in_call *call = this_call(BPF_LOCAL_STORAGE_GET_F_CREATE);
	__u64 nr = this_nr();

	if (!call) {
		raceless_gate_opened(RACELESS_GATE_OPEN_MEMORY);
		return NULL;
	}
	if (call->nr != nr) {
		call->nr = nr;
		call->suspected = 0;
		__builtin_memset(&call->evidence, 0, sizeof(call->evidence));
	}
	return call;
}

/* From now on the end of its call matters. */
static __always_inline void mark(struct in_call *call)
{
	if (call->marked)
		return;
	call->marked = 1;
	__sync_fetch_and_add(&nr_marked, 1);
}

/* Something is being deleted meanwhile; of a load, mostly the module that it is about. */
static __always_inline void meet_dying(struct in_call *call)
{
	if (call->loading && !(call->evidence.met & RACELESS_GATE_MET_DYING))
		__sync_fetch_and_add(&nr_raced_begun, 1);
	call->evidence.met |= RACELESS_GATE_MET_DYING;
}

/*
 * A load's error: it met a dying module, or a signal ended the loader's own wait for
 * one (ERESTARTSYS), or its wait for the load that it shares (EINTR).
 */
static __always_inline bool may_be_raced_load(long error)
{
	return error == -EBUSY || error == -ERESTARTSYS || error == -EINTR;
}

/*
 * It has looked for no module by itself, and a load that met a dying one overlapped
 * it; or the other one was killed in the loader's wait, and its ERESTARTSYS is
 * shared, which no user may see; or a signal came while it is being retried, and now
 * shares the other one's next attempt.
 */
static __always_inline bool shares_raced_load(const struct in_call *call, long error)
{
	return !call->evidence.module[0] &&
	       (error == -ERESTARTSYS || (error == -EINTR && call->known) ||
		nr_raced_begun != call->raced_before);
}

static __always_inline void unmark(struct in_call *call)
{
	if (!call->marked)
		return;
	call->marked = 0;
	__sync_fetch_and_sub(&nr_marked, 1);
}

/*
 * A call that fails near a delete and has met nothing: a get of it may have begun
 * before its module began to go, and have failed after. When it is restarted for that
 * the module goes already, and what it meets is seen; but for one case: the next
 * delete has looked for older calls that are retried before this one was, somebody
 * has loaded the module between, and the restart's get began in that life of it. A
 * delete that comes later waits for the call. So twice, be it known or not, and never
 * more: who asks for what is not there is not to be retried for as long as others
 * delete (model/gate.pml).
 */
#define MAX_SUSPICIONS 2

static __always_inline struct in_call *suspect(struct in_call *call, long error)
{
	if ((call && (call->loading || (call->evidence.met && call->nr == this_nr()))) ||
	    !raceless_may_be_missing(error) ||
	    !is_near_delete())
		return call;
	call = enter_call();
	if (!call || call->suspected >= MAX_SUSPICIONS)
		return call;
	call->suspected++;
	mark(call);
	call->evidence.met = RACELESS_GATE_MET_NOTHING;
	return call;
}

#endif /* RACELESS_BPF_GATE_CALL_H */
