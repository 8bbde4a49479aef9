/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the gate keeps of the modprobes that work for a call.
 */
#ifndef RACELESS_BPF_GATE_REQUEST_H
#define RACELESS_BPF_GATE_REQUEST_H

#include "kernel.h"

#include "gate_call.h"
#include "gate_kfuncs.h"

/* A modprobe may run other programs (`install` in modprobe.d). */
#define HELPER_GENERATIONS 4

/* A helper may ask for a module, whose modprobe may…: so many are looked at. */
#define MAX_REQUESTS_ABOVE 4

/*
 * A request whose modprobe runs, or another helper that an unload waits for, by
 * the thread that made it, which sleeps until the helper is done: it has no other
 * one meanwhile.
 */
struct helper_request {
	__u32 helper; /* process */
	__u32 load_failed; /* the last one, perhaps for want of what was deleted… */
	__u32 load_dying; /* …or as it met a module that was being deleted */
	__u32 own_unload; /* an unload waits for its maker */
	__u32 found; /* it tried to load something, or looked at what is loaded */
	__u32 nr_modules; /* that were seen by name then; 2 are several */
	__u32 unnamed; /* it loads one whose name was not seen */
	__u32 reserved;
	__u64 above; /* the request that its maker works for, or 0 */
	struct raceless_gate_name module;
	struct raceless_gate_frames maker;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct helper_request);
} gate_requests SEC(".maps");

/* Its key, by the helper's process. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} gate_helpers SEC(".maps");

/*
 * And by the address of the subprocess_info, until the helper starts. Not longer:
 * when the helper has ended, that address can be another request's, before the
 * program at the end of this one has run.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, __u64);
} gate_starts SEC(".maps");

/* In gate_requests; mostly none, and then nobody works for one. */
__u64 nr_requests = 0;

/* That of the request that current makes. */
static __always_inline __u64 own_key(void)
{
	return (__u32)bpf_get_current_pid_tgid();
}

/* Current is the helper that starts. */
static __always_inline void start_helper(void *info)
{
	__u64 start = (__u64)info;
	__u64 *waiting = bpf_map_lookup_elem(&gate_starts, &start);
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct helper_request *request;
	__u64 key;

	if (!waiting)
		return;
	key = *waiting;
	request = bpf_map_lookup_elem(&gate_requests, &key);
	if (request) {
		request->helper = tgid;
		bpf_map_update_elem(&gate_helpers, &tgid, &key, BPF_ANY);
	}
	bpf_map_delete_elem(&gate_starts, &start);
}

/* A helper was never started, as there was no memory for its process. */
static __always_inline void forget_start(struct subprocess_info *info)
{
	__u64 start = (__u64)info;
	__u64 *key = bpf_map_lookup_elem(&gate_starts, &start);

	if (key && *key == own_key())
		bpf_map_delete_elem(&gate_starts, &start);
}

/* That of current, whose helper has ended, or was never started. */
static __always_inline void end_request(struct helper_request *request,
					struct subprocess_info *info)
{
	__u64 key = own_key();
	__u32 helper = request->helper;
	__u64 *waiting;

	if (helper) {
		waiting = bpf_map_lookup_elem(&gate_helpers, &helper);
		if (waiting && *waiting == key)
			bpf_map_delete_elem(&gate_helpers, &helper);
	} else {
		forget_start(info);
	}
	if (!bpf_map_delete_elem(&gate_requests, &key))
		__sync_fetch_and_sub(&nr_requests, 1);
}

/*
 * A task exits: a helper whose request has ended as it was killed, just when the
 * helper started; or one whose request had no end that was seen.
 */
static __always_inline void forget_requests(struct task_struct *task)
{
	__u64 key = task->pid;
	__u32 tgid = task->tgid;

	/* the last of its threads: another one may run modprobe in its place */
	if (!task->signal->live.counter &&
	    bpf_map_lookup_elem(&gate_helpers, &tgid))
		bpf_map_delete_elem(&gate_helpers, &tgid);
	if (nr_requests && !bpf_map_delete_elem(&gate_requests, &key))
		__sync_fetch_and_sub(&nr_requests, 1);
}

/* The key of the request that this process works for, or 0. */
static __always_inline __u64 served_key(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	int generation;
	__u64 *key;

	if (!nr_requests)
		return 0;
	for (generation = 0; generation < HELPER_GENERATIONS; generation++) {
		__u32 tgid = task->tgid;

		key = bpf_map_lookup_elem(&gate_helpers, &tgid);
		if (key)
			return *key;
		task = task->real_parent;
	}
	return 0;
}

static __always_inline struct helper_request *served(void)
{
	__u64 key = served_key();

	return key ? bpf_map_lookup_elem(&gate_requests, &key) : NULL;
}

/* Both are padded with zeros, and lie where an u64 may. */
static __always_inline bool is_same(const struct raceless_gate_name *a,
				    const struct raceless_gate_name *b)
{
	const __u64 *x = (const void *)a, *y = (const void *)b;
	unsigned int i;

	for (i = 0; i < sizeof(*a) / sizeof(*x); i++)
		if (x[i] != y[i])
			return false;
	return true;
}

/* A helper loads that module, or has found it live. */
static __always_inline void find(struct helper_request *request, const char *name)
{
	union {
		struct raceless_gate_name name;
		__u64 aligned; /* for is_same() */
	} module = {};

	bpf_probe_read_kernel_str(module.name.text, sizeof(module.name.text), name);
	request->found = 1;
	request->unnamed = 0;
	if (request->nr_modules && is_same(&request->module, &module.name))
		return;
	request->module = module.name;
	request->nr_modules++;
}

/* Which module is wanted, if the helper had to do with one alone. */
static __always_inline void note_module(struct raceless_gate_evidence *evidence,
					const struct helper_request *request)
{
	if (request && request->nr_modules == 1 && !request->unnamed &&
	    !(evidence->met & RACELESS_GATE_MET_GET))
		__builtin_memcpy(evidence->module, &request->module,
				 sizeof(evidence->module));
}

/* Its helper has succeeded. */
static __always_inline void note_success(struct raceless_gate_evidence *evidence,
					 const struct helper_request *request)
{
	/* No module has to do with it: a module that goes, neither. */
	if (request && !request->found)
		return;
	evidence->met |= RACELESS_GATE_MET_LOADED;
	note_module(evidence, request);
}

/* A load for it has failed. */
static __always_inline void note_failed_load(struct helper_request *request,
					     const struct in_call *call, long error)
{
	__u32 met = call ? call->evidence.met : 0;

	/* exact, as the load was about that module; of another one that it needs, not */
	request->load_dying = may_be_raced_load(error) && met & RACELESS_GATE_MET_DYING;
	request->load_failed = !(met & RACELESS_GATE_MET_INIT) &&
			       (request->load_dying || error == -ENOENT);
}

/* It has failed. If what it loaded did, on its own account, so does the call. */
static __always_inline void note_failure(struct raceless_gate_evidence *evidence,
					 const struct helper_request *request)
{
	if (!request || !request->load_failed)
		return;
	evidence->met |= RACELESS_GATE_MET_LOAD_FAILED;
	if (request->load_dying)
		evidence->met |= RACELESS_GATE_MET_LOAD_DYING;
	note_module(evidence, request);
}

/*
 * Does an unload wait for what current does? It may if current works, as a helper
 * or below one, for somebody who is in delete_module, who has a file of a module
 * that is dying, or who is in that module's code: a callback or thread of it, whose
 * end the exit awaits.
 */
static __noinline bool is_awaited_by_unload(struct in_call *call)
{
	struct raceless_gate_name *module = (void *)call->evidence.module;
	struct helper_request *request = served();
	int i;

	for (i = 0; i < MAX_REQUESTS_ABOVE && request; i++) {
		__u64 above = request->above;

		if (request->own_unload ||
		    raceless_gate_within(module, &request->maker))
			return true;
		request = bpf_map_lookup_elem(&gate_requests, &above);
	}
	return false;
}

#endif /* RACELESS_BPF_GATE_REQUEST_H */
