// SPDX-License-Identifier: GPL-2.0
/*
 * What happens to modules, of any kernel, without raceless.ko: who fails to take
 * a reference and where, how loads and unloads end, how long they take, and how
 * long an unloader waits for RCU.
 *
 * Programs at functions are skipped (and counted by the kernel as missed) when
 * they are preempted by another task that gets to the same program on the same
 * CPU; user space adds these to the drops.
 */
#include "kernel.h"

#include "counters.h"
#include "event.h"
#include "record.h"

char LICENSE[] SEC("license") = "GPL";

/* Only the modules of the map `watched`, which user space fills; else all. */
const volatile bool watch_some = false;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RACELESS_WATCHED_MODULES);
	__type(key, struct raceless_module_key);
	__type(value, __u8);
} watched SEC(".maps");

HISTOGRAM(load_ns);
HISTOGRAM(unload_ns);
HISTOGRAM(unload_grace_ns);
HISTOGRAM(empty_histogram);

/* The same, module by module; keyed by what cannot be known beforehand. */
HISTOGRAMS(load_ns_of, struct raceless_module_key, 512);
HISTOGRAMS(unload_ns_of, struct raceless_module_key, 512);
HISTOGRAMS(grace_ns_of, struct raceless_grace_site, 1024);

COUNTER(load_results, struct raceless_module_result, 4096);
COUNTER(unload_results, struct raceless_module_result, 4096);
COUNTER(module_gets, struct raceless_module_get_failure, 4096);

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct raceless_module_totals);
} module_totals SEC(".maps");

/* A thread inside one of the system calls; its own thread alone touches it. */
struct inside {
	__u64 start_ns;
	__u64 grace_start_ns;
	__u64 grace_depth;
	char name[RACELESS_MODULE_NAME_SIZE];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct inside);
} loaders SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct inside);
} unloaders SEC(".maps");

#define TOTAL(field)                                                           \
	add_to(&module_totals,                                                 \
	       __builtin_offsetof(struct raceless_module_totals, field), 1)

/* @name is a key: what follows its NUL is 0. */
static __always_inline bool is_watched(const char *name)
{
	return !watch_some || bpf_map_lookup_elem(&watched, name);
}

/* What an event says besides the name; all 0 but the stack if there is nothing. */
struct details {
	__u64 elapsed_ns;
	__s32 error;
	__s32 stack;
	__u32 reason;
};

#define NO_DETAILS ((struct details){ .stack = -1 })

static __always_inline void send(__u32 type, const char *name,
				 struct details details)
{
	struct raceless_event_module *event;

	event = begin_event(type, sizeof(*event));
	if (!event)
		return;
	event->elapsed_ns = details.elapsed_ns;
	event->error = details.error;
	event->tid = current_tid();
	event->stack = details.stack;
	event->reason = details.reason;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	__builtin_memcpy(event->name, name, sizeof(event->name));
	submit_event(event);
}

static __always_inline void enter(void *threads, const struct inside *now)
{
	__u32 tid = current_tid();

	if (bpf_map_update_elem(threads, &tid, now, BPF_ANY))
		DROP(tasks);
}

/* What delete_module is to unload. Fails if the page is not there (yet). */
static __always_inline void name_of_user(char *name, const struct pt_regs *regs)
{
	bpf_probe_read_user_str(name, RACELESS_MODULE_NAME_SIZE,
				(const char *)PT_REGS_PARM1_CORE_SYSCALL(regs));
}

static __always_inline void leave(void *threads)
{
	__u32 tid = current_tid();

	bpf_map_delete_elem(threads, &tid);
}

/*
 * The kernel first asks for the right to load and unload. Without it the name is
 * whatever anybody wrote: as a key each would take room, until there is none.
 */
static __always_inline void forget_claim(struct raceless_module_result *result)
{
	if (result->error == -EPERM)
		__builtin_memset(result->name, 0, sizeof(result->name));
}

SEC("tp_btf/module_load")
int BPF_PROG(on_module_load, struct module *module)
{
	char name[RACELESS_MODULE_NAME_SIZE] = {};
	__u32 tid = current_tid();
	struct inside *loading = bpf_map_lookup_elem(&loaders, &tid);

	bpf_probe_read_kernel_str(name, sizeof(name), module->name);
	if (loading)
		__builtin_memcpy(loading->name, name, sizeof(name));
	if (!is_watched(name))
		return 0;
	TOTAL(loads);
	send(RACELESS_EVENT_MODULE_LOAD, name, NO_DETAILS);
	return 0;
}

SEC("tp_btf/module_free")
int BPF_PROG(on_module_free, struct module *module)
{
	char name[RACELESS_MODULE_NAME_SIZE] = {};
	__u32 tid = current_tid();
	struct inside *unloading = bpf_map_lookup_elem(&unloaders, &tid);

	bpf_probe_read_kernel_str(name, sizeof(name), module->name);
	/* Before most of its waits for RCU: it may not have been known so far. */
	if (unloading)
		__builtin_memcpy(unloading->name, name, sizeof(name));
	if (!is_watched(name))
		return 0;
	TOTAL(frees);
	send(RACELESS_EVENT_MODULE_FREE, name, NO_DETAILS);
	return 0;
}

/* The name is an alias most of the time, so that the filter cannot apply. */
SEC("tp_btf/module_request")
int BPF_PROG(on_module_request, const char *alias)
{
	char name[RACELESS_MODULE_NAME_SIZE] = {};

	bpf_probe_read_kernel_str(name, sizeof(name), alias);
	TOTAL(requests);
	send(RACELESS_EVENT_MODULE_REQUEST, name, NO_DETAILS);
	return 0;
}

/* `got` is a bool, of which the ABI defines the lowest 8 bits only. */
SEC("fexit/try_module_get")
int BPF_PROG(on_module_get, struct module *module, __u64 got)
{
	struct raceless_module_get_failure failure = {};
	struct details details = {};

	if ((__u8)got || !module)
		return 0;
	bpf_probe_read_kernel_str(failure.name, sizeof(failure.name),
				  module->name);
	if (!is_watched(failure.name))
		return 0;
	/* A little late: a count of 0 may have become GOING by now. */
	failure.reason = BPF_CORE_READ(module, state) == MODULE_STATE_GOING ?
				 RACELESS_MODULE_GET_GOING :
				 RACELESS_MODULE_GET_NO_COUNT;
	failure.stack = stack_of(ctx);
	TOTAL(get_failures);
	count(&module_gets, &failure, 1);
	details.stack = failure.stack;
	details.reason = failure.reason;
	send(RACELESS_EVENT_MODULE_GET_FAIL, failure.name, details);
	return 0;
}

/*
 * What begins is seen to end: each end is attached before its begin. An end that
 * was missed all the same (its program was skipped) leaves a thread inside, until
 * it begins again or exits.
 */
SEC("fexit/__x64_sys_delete_module")
int BPF_PROG(on_unload_end, const struct pt_regs *regs, long error)
{
	struct raceless_module_result result = { .error = error };
	struct details details = { .error = error, .stack = -1 };
	__u32 tid = current_tid();
	struct inside *unloading = bpf_map_lookup_elem(&unloaders, &tid);

	if (!unloading)
		return 0;
	details.elapsed_ns = bpf_ktime_get_ns() - unloading->start_ns;
	__builtin_memcpy(result.name, unloading->name, sizeof(result.name));
	leave(&unloaders);
	/* The kernel has read it meanwhile. */
	if (!result.name[0])
		name_of_user(result.name, regs);
	if (!is_watched(result.name))
		return 0;
	send(RACELESS_EVENT_MODULE_UNLOADED, result.name, details);
	forget_claim(&result);
	record_ns(&unload_ns, details.elapsed_ns);
	record_ns_of(&unload_ns_of, &empty_histogram, result.name,
		     details.elapsed_ns);
	count(&unload_results, &result, 1);
	return 0;
}

SEC("fentry/__x64_sys_delete_module")
int BPF_PROG(on_unload_begin, const struct pt_regs *regs)
{
	struct inside now = { .start_ns = bpf_ktime_get_ns() };

	name_of_user(now.name, regs);
	if (!now.name[0] || is_watched(now.name))
		enter(&unloaders, &now);
	else /* an older one, whose end was missed, is not of this call */
		leave(&unloaders);
	return 0;
}

/* One wait may be made of the other: only the outermost one counts. */
static __always_inline void begin_grace(void)
{
	__u32 tid = current_tid();
	struct inside *unloading = bpf_map_lookup_elem(&unloaders, &tid);

	if (unloading && unloading->grace_depth++ == 0)
		unloading->grace_start_ns = bpf_ktime_get_ns();
}

static __always_inline void end_grace(void *ctx)
{
	__u32 tid = current_tid();
	struct inside *unloading = bpf_map_lookup_elem(&unloaders, &tid);
	struct raceless_grace_site site = {};
	struct details details = {};

	/* Depth 0: attached in the middle of a wait. */
	if (!unloading || !unloading->grace_depth)
		return;
	if (--unloading->grace_depth || !is_watched(unloading->name))
		return;
	details.elapsed_ns = bpf_ktime_get_ns() - unloading->grace_start_ns;
	__builtin_memcpy(site.name, unloading->name, sizeof(site.name));
	site.stack = stack_of(ctx);
	details.stack = site.stack;
	record_ns(&unload_grace_ns, details.elapsed_ns);
	record_ns_of(&grace_ns_of, &empty_histogram, &site, details.elapsed_ns);
	send(RACELESS_EVENT_MODULE_GRACE, site.name, details);
}

SEC("fexit/synchronize_rcu")
int BPF_PROG(on_grace_end)
{
	end_grace(ctx);
	return 0;
}

SEC("fexit/synchronize_rcu_expedited")
int BPF_PROG(on_expedited_end)
{
	end_grace(ctx);
	return 0;
}

SEC("fentry/synchronize_rcu")
int BPF_PROG(on_grace_begin)
{
	begin_grace();
	return 0;
}

SEC("fentry/synchronize_rcu_expedited")
int BPF_PROG(on_expedited_begin)
{
	begin_grace();
	return 0;
}

/*
 * The module's name as its file has it: "snd-hda.ko.xz" is snd_hda. It serves a load
 * that does not come to its module's own name: one that is refused before, or
 * that shares the result of another load of the same file (6.5 and later).
 */
static __always_inline void name_of_file(char *name, __u32 fd)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd);
	struct file *file = NULL;
	bool ended = false;
	int i;

	/* A plain read of what other threads may change: a wrong name at worst. */
	if (fd >= BPF_CORE_READ(table, max_fds) ||
	    bpf_probe_read_kernel(&file, sizeof(file), files + fd) || !file)
		return;
	bpf_probe_read_kernel_str(name, RACELESS_MODULE_NAME_SIZE,
				  BPF_CORE_READ(file, f_path.dentry, d_name.name));
	for (i = 0; i < RACELESS_MODULE_NAME_SIZE; i++) {
		if (name[i] == '.')
			ended = true;
		if (ended)
			name[i] = '\0';
		else if (name[i] == '-')
			name[i] = '_';
	}
}

/* The loader looks for a module of the same name, before it can fail for that. */
SEC("fentry/find_module_all")
int BPF_PROG(on_load_look, const char *name, __u64 length, __u64 even_unformed)
{
	__u32 tid = current_tid();
	struct inside *loading;
	struct raceless_module_key key = {};

	if (!(__u8)even_unformed)
		return 0;
	loading = bpf_map_lookup_elem(&loaders, &tid);
	if (!loading)
		return 0;
	bpf_probe_read_kernel_str(key.name, sizeof(key.name), name);
	__builtin_memcpy(loading->name, key.name, sizeof(key.name));
	return 0;
}

/* A load that failed before its module had a name counts as a watched one. */
static __always_inline void end_load(__s32 error)
{
	struct raceless_module_result result = { .error = error };
	struct details details = { .error = error, .stack = -1 };
	__u32 tid = current_tid();
	struct inside *loading = bpf_map_lookup_elem(&loaders, &tid);

	if (!loading)
		return;
	details.elapsed_ns = bpf_ktime_get_ns() - loading->start_ns;
	__builtin_memcpy(result.name, loading->name, sizeof(result.name));
	leave(&loaders);
	if (result.name[0] && !is_watched(result.name))
		return;
	send(RACELESS_EVENT_MODULE_LOADED, result.name, details);
	forget_claim(&result);
	record_ns(&load_ns, details.elapsed_ns);
	record_ns_of(&load_ns_of, &empty_histogram, result.name,
		     details.elapsed_ns);
	count(&load_results, &result, 1);
}

SEC("fexit/__x64_sys_finit_module")
int BPF_PROG(on_file_load_end, const struct pt_regs *regs, long error)
{
	end_load(error);
	return 0;
}

SEC("fexit/__x64_sys_init_module")
int BPF_PROG(on_image_load_end, const struct pt_regs *regs, long error)
{
	end_load(error);
	return 0;
}

SEC("fentry/__x64_sys_finit_module")
int BPF_PROG(on_file_load_begin, const struct pt_regs *regs)
{
	struct inside now = { .start_ns = bpf_ktime_get_ns() };

	name_of_file(now.name, PT_REGS_PARM1_CORE_SYSCALL(regs));
	enter(&loaders, &now);
	return 0;
}

SEC("fentry/__x64_sys_init_module")
int BPF_PROG(on_image_load_begin)
{
	struct inside now = { .start_ns = bpf_ktime_get_ns() };

	enter(&loaders, &now);
	return 0;
}

/* Its number will be another thread's. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_thread_exit)
{
	leave(&loaders);
	leave(&unloaders);
	return 0;
}
