// SPDX-License-Identifier: GPL-2.0
/*
 * The gate: sees what a system call met, and when it fails because of that,
 * asks raceless.ko to let it wait and to restart it. When is decided here; how
 * long, and what is true of a module, there (module/gate).
 *
 * What a call met is kept with its task: that a get failed on a dying module,
 * that it asked for a module and what came of that, that its load met a dying
 * module. The programs at the end of each listed call take it and clear it.
 * What was met in other calls is told from it by the call's number, and counted
 * as let through.
 *
 * Which modprobe works for whom is known from its start, as in causes.bpf.c. A
 * missing module is one for which no modprobe of the call tried to load anything,
 * or found it loaded: such a call fails at once.
 *
 * What is heuristic, and why that is benign: a get that fails in an interrupt
 * is taken for one of the interrupted call. If that call fails, too, it is
 * restarted once in vain. A program that is skipped because another task is in
 * it on the same CPU misses what it would have seen: that call fails as without
 * a gate.
 */
#include "kernel.h"

#include "gate_call.h"
#include "gate_kfuncs.h"
#include "gate_request.h"

char LICENSE[] SEC("license") = "GPL";

/* Macros of the kernel, which BTF does not carry. */
#define UMH_WAIT_PROC		 2
#define FSCONFIG_CMD_CREATE	 6 /* and those after it: RECONFIGURE, CREATE_EXCL */
#define SYS_SOCKET		 1 /* of socketcall, as the next ones */
#define SYS_BIND		 2
#define SYS_SOCKETPAIR		 8
#define SYS_SETSOCKOPT		 14
#define SYS_GETSOCKOPT		 15

/*
 * Programs are attached in the order of this file: where one ends what another one
 * begins, it comes first, so that nothing begins whose end is not seen.
 */

/*
 * A call that was given up, or whose restart its task did not live to see, has had
 * no end that was seen here; nor has a delete if the program was skipped.
 */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	struct in_call *call;

	forget_requests(task);
	if (!nr_marked && !nr_deletes)
		return 0;
	call = bpf_task_storage_get(&gate_calls, task, NULL, 0);
	if (!call)
		return 0;
	unmark(call);
	if (call->unloading)
		__sync_fetch_and_sub(&nr_deletes, 1);
	call->unloading = 0;
	return 0;
}

static __noinline int end_marked_call(__u32 syscall, long error)
{
	struct in_call *call = suspect(this_call(0), error);
	int held = 0;

	if (!call)
		return 0;
	if (call->evidence.met && call->nr == this_nr() &&
	    (raceless_may_be_missing(error) || (call->loading && may_be_raced_load(error)))) {
		call->evidence.syscall = syscall;
		call->evidence.error = error;
		if (is_awaited_by_unload(call))
			call->evidence.met |= RACELESS_GATE_MET_OWN_UNLOAD;
		held = raceless_gate_hold(&call->evidence);
	}
	if (held)
		call->known = 1;
	else if (call->known)
		call->known = raceless_gate_end(error) > 0;
	__builtin_memset(&call->evidence, 0, sizeof(call->evidence));
	call->loading = 0;
	if (!call->known) {
		call->suspected = 0;
		unmark(call);
	}
	return 0;
}

/* The end of each listed call; most of the time nobody's meets anything. */
static __always_inline int end_call(__u32 syscall, long error)
{
	if (!nr_marked && (error >= 0 || !is_near_delete()))
		return 0;
	return end_marked_call(syscall, error);
}

/* A failed load, but for one of a module that is there already. */
static __noinline int end_load(__u32 syscall, long error)
{
	struct in_call *call = this_call(0);
	struct helper_request *request;

	if (call && call->loading && (call->evidence.met & RACELESS_GATE_MET_DYING))
		__sync_fetch_and_add(&nr_raced_ended, 1);
	request = served();
	if (error >= 0 || error == -17 /* EEXIST */) {
		if (request)
			request->load_failed = 0;
		return end_call(syscall, error);
	}
	if (call && call->loading && may_be_raced_load(error))
		call->evidence.met |= shares_raced_load(call, error) ?
					      RACELESS_GATE_MET_DYING :
					      RACELESS_GATE_MET_BUSY;
	if (request)
		note_failed_load(request, call, error);
	return call ? end_call(syscall, error) : 0;
}

#define ON_RETURN(program, function, end, syscall)                             \
	SEC("fexit/" #function)                                                \
	int BPF_PROG(program, const struct pt_regs *regs, long error)          \
	{                                                                      \
		return end(RACELESS_GATE_##syscall, error);                    \
	}

ON_RETURN(on_file_load_end, __x64_sys_finit_module, end_load, FINIT_MODULE)
ON_RETURN(on_image_load_end, __x64_sys_init_module, end_load, INIT_MODULE)
ON_RETURN(on_compat_file_load_end, __ia32_sys_finit_module, end_load,
	  FINIT_MODULE)
ON_RETURN(on_compat_image_load_end, __ia32_sys_init_module, end_load,
	  INIT_MODULE)

ON_RETURN(on_mount_end, __x64_sys_mount, end_call, MOUNT)
ON_RETURN(on_fsopen_end, __x64_sys_fsopen, end_call, FSOPEN)
ON_RETURN(on_socket_end, __x64_sys_socket, end_call, SOCKET)
ON_RETURN(on_socketpair_end, __x64_sys_socketpair, end_call, SOCKETPAIR)
ON_RETURN(on_bind_end, __x64_sys_bind, end_call, BIND)
ON_RETURN(on_setsockopt_end, __x64_sys_setsockopt, end_call, SETSOCKOPT)
ON_RETURN(on_getsockopt_end, __x64_sys_getsockopt, end_call, GETSOCKOPT)

ON_RETURN(on_compat_mount_end, __ia32_sys_mount, end_call, MOUNT)
ON_RETURN(on_compat_fsopen_end, __ia32_sys_fsopen, end_call, FSOPEN)
ON_RETURN(on_compat_socket_end, __ia32_sys_socket, end_call, SOCKET)
ON_RETURN(on_compat_socketpair_end, __ia32_sys_socketpair, end_call, SOCKETPAIR)
ON_RETURN(on_compat_bind_end, __ia32_sys_bind, end_call, BIND)
ON_RETURN(on_compat_setsockopt_end, __ia32_sys_setsockopt, end_call, SETSOCKOPT)
ON_RETURN(on_compat_getsockopt_end, __ia32_sys_getsockopt, end_call, GETSOCKOPT)

/* An error that no missing module has: the call fails as without a gate. */
#define ERROR_THAT_STANDS -1

/*
 * A file system context of which none could be made, or that could not reconfigure
 * one, is of no more use: a restart would get another error.
 */
static __always_inline int end_fsconfig(__u64 command, long error)
{
	if (error < 0 && (__u32)command >= FSCONFIG_CMD_CREATE)
		error = ERROR_THAT_STANDS;
	return end_call(RACELESS_GATE_FSCONFIG, error);
}

/*
 * The other calls that it stands for are not to be repeated: recv clears the
 * error that it returns, and would wait for data the next time.
 */
SEC("fexit/__ia32_compat_sys_socketcall")
int BPF_PROG(on_socketcall_end, const struct pt_regs *regs, long error)
{
	switch ((__u32)regs->bx) {
	case SYS_SOCKET:
	case SYS_BIND:
	case SYS_SOCKETPAIR:
	case SYS_SETSOCKOPT:
	case SYS_GETSOCKOPT:
		break;
	default:
		if (error < 0)
			error = ERROR_THAT_STANDS;
	}
	return end_call(RACELESS_GATE_SOCKETCALL, error);
}

SEC("fexit/__x64_sys_fsconfig")
int BPF_PROG(on_fsconfig_end, const struct pt_regs *regs, long error)
{
	return end_fsconfig(regs->si, error);
}

SEC("fexit/__ia32_sys_fsconfig")
int BPF_PROG(on_compat_fsconfig_end, const struct pt_regs *regs, long error)
{
	return end_fsconfig(regs->cx, error);
}

static __always_inline int end_delete(void)
{
	struct in_call *call = this_call(0);

	last_delete_ns = bpf_ktime_get_ns();
	if (call && call->unloading) {
		call->unloading = 0;
		__sync_fetch_and_sub(&nr_deletes, 1);
	}
	return 0;
}

SEC("fexit/__x64_sys_delete_module")
int BPF_PROG(on_delete_end)
{
	return end_delete();
}

SEC("fexit/__ia32_sys_delete_module")
int BPF_PROG(on_compat_delete_end)
{
	return end_delete();
}

SEC("fexit/call_usermodehelper_exec")
int BPF_PROG(on_helper_end, struct subprocess_info *info, int wait, int status)
{
	struct in_call *call = this_call(0);
	__u64 key = own_key();
	struct helper_request *request;

	request = bpf_map_lookup_elem(&gate_requests, &key);
	if (call && call->requested_ns) {
		if (!status)
			note_success(&call->evidence, request);
		else
			note_failure(&call->evidence, request);
	}
	if (call)
		call->requested_ns = 0;
	if (!request)
		return 0;
	if (status && request->load_failed)
		is_open();
	end_request(request, info);
	return 0;
}

SEC("fentry/call_usermodehelper_exec_async")
int BPF_PROG(on_helper_start, void *info)
{
	start_helper(info);
	return 0;
}

/* Its call waits for modprobe now. */
static __always_inline void begin_request(struct in_call *call)
{
	struct raceless_gate_name any = {};

	mark(call);
	call->evidence.met |= RACELESS_GATE_MET_REQUEST;
	if (!call->evidence.since_ns)
		call->evidence.since_ns = call->requested_ns;
	if (raceless_gate_dying(&any))
		meet_dying(call);
	if (raceless_gate_request())
		call->known = 1;
}

/* Of all helpers, those are of interest that a request or an unload waits for. */
SEC("fentry/call_usermodehelper_exec")
int BPF_PROG(on_helper_wanted, struct subprocess_info *info, int wait)
{
	static const struct helper_request none;
	struct in_call *call = this_call(0);
	struct helper_request *request;
	__u64 start = (__u64)info;
	__u64 key = own_key();

	if (!call)
		return 0;
	/* or it was asked for in a call that got no memory for its modprobe */
	if (!(wait & UMH_WAIT_PROC) || call->nr != this_nr())
		call->requested_ns = 0;
	if (!(wait & UMH_WAIT_PROC) || (!call->requested_ns && !call->unloading))
		return 0;
	if (call->requested_ns && is_of_a_call() && is_listed(call->nr))
		begin_request(call);
	if (!bpf_map_update_elem(&gate_requests, &key, &none, BPF_NOEXIST))
		__sync_fetch_and_add(&nr_requests, 1);
	else /* the end of an older one was missed */
		bpf_map_update_elem(&gate_requests, &key, &none, BPF_EXIST);
	request = bpf_map_lookup_elem(&gate_requests, &key);
	if (!request)
		return 0;
	request->own_unload = call->unloading ||
			      (is_of_a_call() && raceless_gate_has_files());
	request->above = served_key();
	bpf_get_stack(ctx, &request->maker, sizeof(request->maker), 0);
	bpf_map_update_elem(&gate_starts, &start, &key, BPF_ANY);
	return 0;
}

/*
 * Somebody asks for a module. Not at the tracepoint a little later: programs run
 * there with preemption off, and what is asked of raceless.ko may sleep on
 * PREEMPT_RT.
 */
SEC("fexit/security_kernel_module_request")
int BPF_PROG(on_request, char *alias, int refused)
{
	struct in_call *call;

	if (refused)
		return 0;
	call = enter_call();
	if (!call)
		return 0;
	call->requested_ns = bpf_ktime_get_ns();
	return 0;
}

/* Of raceless.ko, which looks at all gets. */
SEC("fentry/raceless_gate_get_fails")
int BPF_PROG(on_get, struct module *module)
{
	struct in_call *call;

	if (is_open())
		return 0;
	call = this_call(0);
	if (!call && !raceless_gate_may_allocate()) {
		raceless_gate_opened(RACELESS_GATE_OPEN_MEMORY);
		return 0;
	}
	call = enter_call();
	if (!call)
		return 0;
	mark(call);
	call->evidence.met |= RACELESS_GATE_MET_GET;
	bpf_probe_read_kernel_str(call->evidence.module,
				  sizeof(call->evidence.module), module->name);
	return 0;
}

static __always_inline int begin_load(void)
{
	struct in_call *call = enter_call();
	struct helper_request *request = served();

	if (request) {
		request->found = 1;
		request->unnamed = 1;
	}
	if (!call)
		return 0;
	__builtin_memset(&call->evidence, 0, sizeof(call->evidence));
	call->evidence.since_ns = bpf_ktime_get_ns();
	call->raced_before = nr_raced_ended;
	call->loading = 1;
	mark(call);
	return 0;
}

SEC("fentry/__x64_sys_finit_module")
int BPF_PROG(on_file_load)
{
	return begin_load();
}

SEC("fentry/__x64_sys_init_module")
int BPF_PROG(on_image_load)
{
	return begin_load();
}

SEC("fentry/__ia32_sys_finit_module")
int BPF_PROG(on_compat_file_load)
{
	return begin_load();
}

SEC("fentry/__ia32_sys_init_module")
int BPF_PROG(on_compat_image_load)
{
	return begin_load();
}

/* The loader looks for a module of that name, under module_mutex. */
SEC("fexit/find_module_all")
int BPF_PROG(on_look, char *name, __u64 length, __u64 even_unformed,
	     struct module *found)
{
	struct helper_request *request;
	struct raceless_gate_name *looked_for;
	struct in_call *call;

	if (!(__u8)even_unformed)
		return 0;
	call = this_call(0);
	if (!call || !call->loading)
		return 0;
	bpf_probe_read_kernel_str(call->evidence.module,
				  sizeof(call->evidence.module), name);
	looked_for = (void *)call->evidence.module;
	if (found && raceless_gate_dying(looked_for))
		meet_dying(call);
	request = served();
	if (request)
		find(request, name);
	return 0;
}

/* kmod asks whether a module is there already by the state of each. */
SEC("fentry/show_initstate")
int BPF_PROG(on_state_read, struct module_attribute *attribute,
	     struct module_kobject *module)
{
	struct helper_request *request = served();

	if (request)
		find(request, module->mod->name);
	return 0;
}

/* And busybox's modprobe by the list of all. */
SEC("fentry/modules_open")
int BPF_PROG(on_list_read)
{
	struct helper_request *request = served();

	if (request) {
		request->found = 1;
		request->unnamed = 1;
	}
	return 0;
}

SEC("fentry/do_init_module")
int BPF_PROG(on_init, struct module *module)
{
	struct in_call *call = this_call(0);

	if (call && call->loading)
		call->evidence.met |= RACELESS_GATE_MET_INIT;
	return 0;
}

SEC("fexit/free_module")
int BPF_PROG(on_freed)
{
	raceless_gate_freed();
	return 0;
}

static __always_inline void begin_delete(const char *name, int compat)
{
	struct in_call *call = this_call(BPF_LOCAL_STORAGE_GET_F_CREATE);
	struct raceless_gate_name module = {};

	/* empty if its page is not there yet: raceless.ko reads it itself then */
	bpf_probe_read_user_str(module.text, sizeof(module.text), name);
	/* it may be so still, where a program at the end was skipped */
	if (call && !call->unloading) {
		call->unloading = 1;
		__sync_fetch_and_add(&nr_deletes, 1);
	}
	raceless_gate_delete(&module, compat);
}

SEC("fentry/__x64_sys_delete_module")
int BPF_PROG(on_delete, const struct pt_regs *regs)
{
	begin_delete((const char *)regs->di, 0);
	return 0;
}

SEC("fentry/__ia32_sys_delete_module")
int BPF_PROG(on_compat_delete, const struct pt_regs *regs)
{
	begin_delete((const char *)(__u64)(__u32)regs->bx, 1);
	return 0;
}
