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

/* Only this module, by the kernel's name for it; empty: all. */
const volatile char module_filter[RACELESS_MODULE_NAME_SIZE] = {};

HISTOGRAM(load_ns);
HISTOGRAM(unload_ns);
HISTOGRAM(unload_grace_ns);

COUNTER(load_results, __s32, 256);
COUNTER(unload_results, struct raceless_unload_result, 4096);
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

static __always_inline bool watched(const char *name)
{
	return !module_filter[0] ||
	       !bpf_strncmp(name, RACELESS_MODULE_NAME_SIZE,
			    (const char *)module_filter);
}

static __always_inline void send(__u32 type, const char *name, int error,
				 __u64 elapsed_ns)
{
	struct raceless_event_module *event;

	event = begin_event(type, sizeof(*event));
	if (!event)
		return;
	event->elapsed_ns = elapsed_ns;
	event->error = error;
	event->tid = current_tid();
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	__builtin_memcpy(event->name, name, sizeof(event->name));
	bpf_ringbuf_submit(event, 0);
}

static __always_inline void enter(void *threads, const struct inside *now)
{
	__u32 tid = current_tid();

	if (bpf_map_update_elem(threads, &tid, now, BPF_ANY))
		DROP(tasks);
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
	if (!watched(name))
		return 0;
	TOTAL(loads);
	send(RACELESS_EVENT_MODULE_LOAD, name, 0, 0);
	return 0;
}

SEC("tp_btf/module_free")
int BPF_PROG(on_module_free, struct module *module)
{
	char name[RACELESS_MODULE_NAME_SIZE] = {};

	bpf_probe_read_kernel_str(name, sizeof(name), module->name);
	if (!watched(name))
		return 0;
	TOTAL(frees);
	send(RACELESS_EVENT_MODULE_FREE, name, 0, 0);
	return 0;
}

/* The name is an alias most of the time, so that the filter cannot apply. */
SEC("tp_btf/module_request")
int BPF_PROG(on_module_request, const char *alias)
{
	char name[RACELESS_MODULE_NAME_SIZE] = {};

	bpf_probe_read_kernel_str(name, sizeof(name), alias);
	TOTAL(requests);
	send(RACELESS_EVENT_MODULE_REQUEST, name, 0, 0);
	return 0;
}

/* `got` is a bool, of which the ABI defines the lowest 8 bits only. */
SEC("fexit/try_module_get")
int BPF_PROG(on_module_get, struct module *module, __u64 got)
{
	struct raceless_module_get_failure failure = {};

	if ((__u8)got || !module)
		return 0;
	bpf_probe_read_kernel_str(failure.name, sizeof(failure.name),
				  module->name);
	if (!watched(failure.name))
		return 0;
	failure.stack = stack_of(ctx);
	TOTAL(get_failures);
	count(&module_gets, &failure, 1);
	send(RACELESS_EVENT_MODULE_GET_FAIL, failure.name, 0, 0);
	return 0;
}

SEC("fentry/__x64_sys_delete_module")
int BPF_PROG(on_unload_begin, const struct pt_regs *regs)
{
	struct inside now = { .start_ns = bpf_ktime_get_ns() };
	const char *name = (const char *)PT_REGS_PARM1_CORE_SYSCALL(regs);

	/* May fail if the page is not there; its user has just written it. */
	bpf_probe_read_user_str(now.name, sizeof(now.name), name);
	if (watched(now.name))
		enter(&unloaders, &now);
	return 0;
}

SEC("fexit/__x64_sys_delete_module")
int BPF_PROG(on_unload_end, const struct pt_regs *regs, long error)
{
	struct raceless_unload_result result = { .error = error };
	__u32 tid = current_tid();
	struct inside *unloading = bpf_map_lookup_elem(&unloaders, &tid);
	__u64 elapsed_ns;

	if (!unloading)
		return 0;
	elapsed_ns = bpf_ktime_get_ns() - unloading->start_ns;
	__builtin_memcpy(result.name, unloading->name, sizeof(result.name));
	bpf_map_delete_elem(&unloaders, &tid);
	record_ns(&unload_ns, elapsed_ns);
	count(&unload_results, &result, 1);
	send(RACELESS_EVENT_MODULE_UNLOADED, result.name, error, elapsed_ns);
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

static __always_inline void end_grace(void)
{
	__u32 tid = current_tid();
	struct inside *unloading = bpf_map_lookup_elem(&unloaders, &tid);

	/* Depth 0: attached in the middle of a wait. */
	if (!unloading || !unloading->grace_depth)
		return;
	if (--unloading->grace_depth == 0)
		record_ns(&unload_grace_ns,
			  bpf_ktime_get_ns() - unloading->grace_start_ns);
}

SEC("fentry/synchronize_rcu")
int BPF_PROG(on_grace_begin)
{
	begin_grace();
	return 0;
}

SEC("fexit/synchronize_rcu")
int BPF_PROG(on_grace_end)
{
	end_grace();
	return 0;
}

SEC("fentry/synchronize_rcu_expedited")
int BPF_PROG(on_expedited_begin)
{
	begin_grace();
	return 0;
}

SEC("fexit/synchronize_rcu_expedited")
int BPF_PROG(on_expedited_end)
{
	end_grace();
	return 0;
}

static __always_inline void begin_load(void)
{
	struct inside now = { .start_ns = bpf_ktime_get_ns() };

	enter(&loaders, &now);
}

/* A load that failed before its module had a name counts as a watched one. */
static __always_inline void end_load(__s32 error)
{
	char name[RACELESS_MODULE_NAME_SIZE];
	__u32 tid = current_tid();
	struct inside *loading = bpf_map_lookup_elem(&loaders, &tid);
	__u64 elapsed_ns;

	if (!loading)
		return;
	elapsed_ns = bpf_ktime_get_ns() - loading->start_ns;
	__builtin_memcpy(name, loading->name, sizeof(name));
	bpf_map_delete_elem(&loaders, &tid);
	if (name[0] && !watched(name))
		return;
	record_ns(&load_ns, elapsed_ns);
	count(&load_results, &error, 1);
	send(RACELESS_EVENT_MODULE_LOADED, name, error, elapsed_ns);
}

SEC("fentry/__x64_sys_finit_module")
int BPF_PROG(on_file_load_begin)
{
	begin_load();
	return 0;
}

SEC("fexit/__x64_sys_finit_module")
int BPF_PROG(on_file_load_end, const struct pt_regs *regs, long error)
{
	end_load(error);
	return 0;
}

SEC("fentry/__x64_sys_init_module")
int BPF_PROG(on_image_load_begin)
{
	begin_load();
	return 0;
}

SEC("fexit/__x64_sys_init_module")
int BPF_PROG(on_image_load_end, const struct pt_regs *regs, long error)
{
	end_load(error);
	return 0;
}
