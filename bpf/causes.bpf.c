// SPDX-License-Identifier: GPL-2.0
/*
 * Why a system call failed that needed a module. Works without raceless.ko. For
 * each thread the last time of each thing that can be the cause is kept
 * (causes.h). Either one process is watched, and asks after a failing call of
 * its own (a storm); or all are, and the end of each listed call is looked at
 * here (raceless trace).
 *
 * A request runs modprobe in a helper process, and it is the helper that meets
 * EBUSY. Which helper belongs to which thread is not guessed: the thread hands a
 * struct subprocess_info to call_usermodehelper_exec(), and the helper starts in
 * call_usermodehelper_exec_async() with the same pointer. From then on it is known
 * by its process: the structure is freed before the thread's program at the end of
 * the request runs, and may be another's then.
 *
 * What is heuristic: a modprobe that runs other programs (`install` in
 * modprobe.d) is followed through at most HELPER_GENERATIONS parents, and one
 * that detaches itself is lost. A helper's EBUSY may be about a dependency of
 * what was asked for: it counts the same. A modprobe that ends well without
 * having loaded anything (a blacklist, `install … /bin/true`) is a success here.
 * What kernel threads do for the caller (cryptomgr_probe) is not seen, nor is an
 * asynchronous request, nor one that a security module refuses, nor a delete_module
 * of a 32-bit program. A module that was being unloaded while the call was under way
 * need not be the one that it wanted, nor have gone.
 */
#include "kernel.h"

#include "causes.h"
#include "missing.h"
#include "record.h"

char LICENSE[] SEC("license") = "GPL";

#define HELPER_GENERATIONS 4

/* Names that whoever makes the call can invent, of all that are counted. About. */
#define MOST_INVENTED_NAMES 1024
#define CAP_SYS_MODULE	    16

/* The process whose threads are asked about; 0: the calls of all are looked at. */
const volatile __u32 watched_tgid = 0;

COUNTER(call_failures, struct raceless_call_failure, 4096);

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32); /* thread */
	__type(value, struct raceless_caller);
} callers SEC(".maps");

/* Which thread waits for the helper that a subprocess_info describes, until it starts. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64); /* address of the subprocess_info */
	__type(value, __u32); /* thread */
} pending SEC(".maps");

/* Which thread a running helper process works for. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32); /* process */
	__type(value, __u32); /* thread */
} helpers SEC(".maps");

/* Threads in delete_module that may unload, how many they are, and when one had success. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32); /* thread */
	__type(value, __u8);
} deleters SEC(".maps");

__u64 nr_deleters = 0, last_delete_ns = 0;
__u64 nr_invented_names = 0;

/* The record of this thread, made if need be; NULL if it is not watched. */
static __always_inline struct raceless_caller *this_caller(void)
{
	__u32 tid = current_tid();
	struct raceless_caller *caller;

	if (watched_tgid && current_tgid() != watched_tgid)
		return NULL;
	caller = bpf_map_lookup_elem(&callers, &tid);
	if (!caller) {
		struct raceless_caller nothing = {};

		bpf_map_update_elem(&callers, &tid, &nothing, BPF_NOEXIST);
		caller = bpf_map_lookup_elem(&callers, &tid);
		if (!caller)
			DROP(tasks);
	}
	return caller;
}

/* The record of the thread that this process is a helper of, or NULL. */
static __always_inline struct raceless_caller *requester(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u32 *tid;
	int generation;

	for (generation = 0; generation < HELPER_GENERATIONS; generation++) {
		__u32 tgid = BPF_CORE_READ(task, tgid);

		tid = bpf_map_lookup_elem(&helpers, &tgid);
		if (tid)
			return bpf_map_lookup_elem(&callers, tid);
		task = BPF_CORE_READ(task, real_parent);
	}
	return NULL;
}

/* The number of the running system call, for x86-64. */
static __always_inline __u32 this_call(void)
{
	struct pt_regs *regs;

	regs = (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
	return regs->orig_ax;
}

/*
 * Programs are attached in the order of this file: where one ends what another one
 * begins, it comes first, so that nothing begins whose end is not seen.
 */

static __always_inline void end_delete(__u32 tid)
{
	if (!bpf_map_delete_elem(&deleters, &tid))
		__sync_fetch_and_sub(&nr_deleters, 1);
}

/* What a thread met in calls that are not listed goes with it. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_thread_exit, struct task_struct *task)
{
	__u32 tid = task->pid, tgid = task->tgid;

	bpf_map_delete_elem(&callers, &tid);
	end_delete(tid);
	/* or a helper, all of it, whose request was killed just when it started */
	if (!task->signal->live.counter && bpf_map_lookup_elem(&helpers, &tgid))
		bpf_map_delete_elem(&helpers, &tgid);
	return 0;
}

/*
 * Its modules were loaded, and stayed: what it was given is not to its liking (an
 * image of another file system).
 */
static __always_inline bool is_of_no_module(const struct raceless_caller *caller,
					    enum raceless_cause cause, long error)
{
	if (cause == RACELESS_CAUSE_STILL_REGISTERED ||
	    cause == RACELESS_CAUSE_LOAD_BUSY)
		return false;
	if (!raceless_may_be_missing(error))
		return true;
	return error == -EINVAL && cause == RACELESS_CAUSE_UNKNOWN &&
	       caller->modprobe_ok_ns;
}

/*
 * An alias that nobody provides is whatever anybody asked for: as a key each would
 * take room, until there is none.
 */
static __always_inline void forget_invention(struct raceless_call_failure *failure)
{
	if (failure->cause != RACELESS_CAUSE_MISSING &&
	    failure->cause != RACELESS_CAUSE_UNKNOWN)
		return;
	if (bpf_map_lookup_elem(&call_failures, failure))
		return;
	if (nr_invented_names < MOST_INVENTED_NAMES)
		__sync_fetch_and_add(&nr_invented_names, 1);
	else
		__builtin_memset(failure->name, 0, sizeof(failure->name));
}

static __always_inline void send_failure(const struct raceless_call_failure *failure)
{
	struct raceless_event_call *event;

	event = begin_event(RACELESS_EVENT_CALL_FAIL, sizeof(*event));
	if (!event)
		return;
	event->cause = failure->cause;
	event->call = failure->call;
	event->error = failure->error;
	event->tid = current_tid();
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	__builtin_memcpy(event->name, failure->name, sizeof(event->name));
	submit_event(event);
}

/*
 * The end of a listed call of any process: what it met is counted if it failed,
 * and forgotten. What was met in calls that are not listed has another number, and
 * is forgotten when this thread meets something else (raceless_meet_in).
 */
static __always_inline int end_call(__u32 call, long error)
{
	struct raceless_call_failure failure = { .call = call, .error = error };
	__u32 tid = current_tid();
	struct raceless_caller *caller = bpf_map_lookup_elem(&callers, &tid);
	__u64 deleted_ns;

	if (!caller)
		return 0;
	if (error >= 0 || caller->call != call) {
		bpf_map_delete_elem(&callers, &tid);
		return 0;
	}
	deleted_ns = nr_deleters ? bpf_ktime_get_ns() : last_delete_ns;
	failure.cause = raceless_classify(caller, 0, deleted_ns);
	if (is_of_no_module(caller, failure.cause, error)) {
		bpf_map_delete_elem(&callers, &tid);
		return 0;
	}
	/* After its NUL a name may have the rest of an earlier, longer one. */
	bpf_probe_read_kernel_str(failure.name, sizeof(failure.name),
				  caller->name);
	bpf_map_delete_elem(&callers, &tid);
	send_failure(&failure);
	forget_invention(&failure);
	count(&call_failures, &failure, 1);
	return 0;
}

#define ON_CALL_END(name, number)                                              \
	SEC("fexit/__x64_sys_" #name)                                          \
	int BPF_PROG(on_call_end_##name, const struct pt_regs *regs,           \
		     long error)                                               \
	{                                                                      \
		return end_call(number, error);                                \
	}

/* The numbers are ABI (arch/x86/entry/syscalls/syscall_64.tbl). */
ON_CALL_END(socket, 41)
ON_CALL_END(bind, 49)
ON_CALL_END(socketpair, 53)
ON_CALL_END(setsockopt, 54)
ON_CALL_END(getsockopt, 55)
ON_CALL_END(mount, 165)
ON_CALL_END(fsopen, 430)
ON_CALL_END(fsconfig, 431)

/* A helper was never started, as there was no memory for its process. */
static __always_inline void forget_start(struct subprocess_info *info)
{
	__u64 key = (__u64)info;
	__u32 *tid = bpf_map_lookup_elem(&pending, &key);

	if (tid && *tid == current_tid())
		bpf_map_delete_elem(&pending, &key);
}

/* Its process may have been another's since: pids come round. */
static __always_inline void forget_helper(__u32 helper)
{
	__u32 *tid = bpf_map_lookup_elem(&helpers, &helper);

	if (tid && *tid == current_tid())
		bpf_map_delete_elem(&helpers, &helper);
}

SEC("fexit/call_usermodehelper_exec")
int BPF_PROG(on_helper_end, struct subprocess_info *info, int wait, int status)
{
	struct raceless_caller *caller = this_caller();
	__u64 now = bpf_ktime_get_ns();
	__u32 helper;

	if (!caller || !caller->in_request)
		return 0;
	helper = caller->helper;
	if (helper)
		forget_helper(helper);
	else
		forget_start(info);
	if (!status) {
		caller->modprobe_ok_ns = now;
		caller->modprobe_ok_asked_ns = caller->requested_ns;
	} else if (caller->met_busy) {
		caller->modprobe_busy_ns = now;
	} else {
		caller->modprobe_failed_ns = now;
	}
	caller->helper = 0;
	caller->in_request = 0;
	return 0;
}

static __always_inline void on_load_end(long error)
{
	struct raceless_caller *caller;

	if (error != -EBUSY)
		return;
	caller = requester();
	if (caller) {
		caller->met_busy = 1;
		return;
	}
	/* Who loads by itself is told by the load that it was busy. */
	if (!watched_tgid)
		return;
	caller = this_caller();
	if (caller)
		caller->load_busy_ns = bpf_ktime_get_ns();
}

SEC("fexit/__x64_sys_finit_module")
int BPF_PROG(on_file_load_end, const struct pt_regs *regs, long error)
{
	on_load_end(error);
	return 0;
}

SEC("fexit/__x64_sys_init_module")
int BPF_PROG(on_image_load_end, const struct pt_regs *regs, long error)
{
	on_load_end(error);
	return 0;
}

SEC("fexit/__x64_sys_delete_module")
int BPF_PROG(on_delete_end, const struct pt_regs *regs, long error)
{
	__u64 now = bpf_ktime_get_ns();

	/* First: who sees no deleter any more sees when it had success. */
	if (!error && last_delete_ns < now)
		last_delete_ns = now;
	end_delete(current_tid());
	return 0;
}

SEC("fentry/call_usermodehelper_exec_async")
int BPF_PROG(on_helper_start, void *info)
{
	struct raceless_caller *caller;
	__u64 key = (__u64)info;
	__u32 tgid = current_tgid();
	__u32 *waiting = bpf_map_lookup_elem(&pending, &key);
	__u32 tid;

	if (!waiting)
		return 0;
	tid = *waiting;
	bpf_map_delete_elem(&pending, &key);
	caller = bpf_map_lookup_elem(&callers, &tid);
	if (!caller)
		return 0;
	caller->helper = tgid;
	if (bpf_map_update_elem(&helpers, &tgid, &tid, BPF_ANY))
		DROP(tasks);
	return 0;
}

SEC("fentry/call_usermodehelper_exec")
int BPF_PROG(on_helper_wanted, struct subprocess_info *info)
{
	struct raceless_caller *caller = this_caller();
	__u64 key = (__u64)info;
	__u32 tid = current_tid();

	/* Helpers other than modprobe are of no interest. */
	if (!caller || !caller->in_request)
		return 0;
	if (bpf_map_update_elem(&pending, &key, &tid, BPF_ANY))
		DROP(tasks);
	return 0;
}

/* Who may not unload is refused, whatever it names; as root of its own user namespace, too. */
SEC("fentry/__x64_sys_delete_module")
int BPF_PROG(on_delete, const struct pt_regs *regs)
{
	const struct cred *cred = bpf_get_current_task_btf()->cred;
	__u32 tid = current_tid();
	__u64 capabilities = 0;
	__u8 inside = 1;

	/* Two words before 6.3, then one: the same bits. */
	bpf_probe_read_kernel(&capabilities, sizeof(capabilities),
			      &cred->cap_effective);
	if (!(capabilities >> CAP_SYS_MODULE & 1) ||
	    BPF_CORE_READ(cred, user_ns, level) != 0)
		return 0;
	if (bpf_map_update_elem(&deleters, &tid, &inside, BPF_NOEXIST))
		return 0;
	__sync_fetch_and_add(&nr_deleters, 1);
	return 0;
}

SEC("tp_btf/module_request")
int BPF_PROG(on_module_request, const char *name, bool wait)
{
	struct raceless_caller *caller;

	if (!wait)
		return 0;
	caller = this_caller();
	if (!caller)
		return 0;
	raceless_meet_in(caller, this_call());
	caller->requested_ns = bpf_ktime_get_ns();
	/* A module that was met says more than the alias of its resource. */
	if (!caller->get_failed_ns)
		bpf_probe_read_kernel_str(caller->name, sizeof(caller->name),
					  name);
	caller->in_request = 1;
	caller->met_busy = 0;
	return 0;
}

/* `got` is a bool, of which the ABI defines the lowest 8 bits only. */
SEC("fexit/try_module_get")
int BPF_PROG(on_module_get, struct module *module, __u64 got)
{
	struct raceless_caller *caller;

	if ((__u8)got || !module)
		return 0;
	caller = this_caller();
	if (!caller)
		return 0;
	raceless_meet_in(caller, this_call());
	caller->get_failed_ns = bpf_ktime_get_ns();
	bpf_probe_read_kernel_str(caller->name, sizeof(caller->name),
				  module->name);
	return 0;
}
