// SPDX-License-Identifier: GPL-2.0
/*
 * What happens in the registry: counts and latencies of raceless.ko, from its
 * own tracepoints. Their arguments are plain values (module/trace.h).
 */
#include "kernel.h"

#include "counters.h"
#include "event.h"
#include "record.h"

char LICENSE[] SEC("license") = "GPL";

HISTOGRAM(init_ns);
HISTOGRAM(stop_ns);
HISTOGRAM(grace_ns);
HISTOGRAM(drain_ns);
HISTOGRAM(destroy_ns);
HISTOGRAM(reload_wait_ns);
HISTOGRAM(failed_wait_ns);
HISTOGRAM(flight_ns);

COUNTER(transitions, enum raceless_state, 16);
COUNTER(get_reasons, enum raceless_reason, 16);
COUNTER(broken, enum raceless_promise, 16);
COUNTER(get_failures, struct raceless_get_failure, 4096);

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct raceless_registry_totals);
} totals SEC(".maps");

#define TOTAL(field, times)                                                    \
	add_to(&totals, __builtin_offsetof(struct raceless_registry_totals,    \
					   field), times)

#define COPY_NAME(to, from) bpf_probe_read_kernel_str(to, sizeof(to), from)

/* STOPPING is stop and grace period together, which have tracepoints apart. */
static __always_inline void record_state(__u32 from, __u32 to, __u64 elapsed_ns)
{
	switch (from) {
	case RACELESS_LOADING:
		if (to == RACELESS_LIVE)
			record_ns(&init_ns, elapsed_ns);
		break;
	case RACELESS_DRAINING:
		record_ns(&drain_ns, elapsed_ns);
		break;
	case RACELESS_DESTROYING:
		record_ns(&destroy_ns, elapsed_ns);
		break;
	}
}

SEC("tp_btf/raceless_transition")
int BPF_PROG(on_transition, const char *name, __u64 instance, const char *owner,
	     __u32 from, __u32 to, __u64 elapsed_ns)
{
	struct raceless_event_transition *event;
	enum raceless_state state = to;

	record_state(from, to, elapsed_ns);
	count(&transitions, &state, 1);

	event = begin_event(RACELESS_EVENT_TRANSITION, sizeof(*event));
	if (!event)
		return 0;
	event->instance = instance;
	event->elapsed_ns = elapsed_ns;
	event->from = from;
	event->to = to;
	COPY_NAME(event->name, name);
	COPY_NAME(event->owner, owner);
	submit_event(event);
	return 0;
}

SEC("tp_btf/raceless_publish")
int BPF_PROG(on_publish, const char *name, __u64 instance, __u64 publish,
	     __u32 handed_off)
{
	struct raceless_event_publish *event;

	TOTAL(publishes, 1);
	TOTAL(handed_off, handed_off);

	event = begin_event(RACELESS_EVENT_PUBLISH, sizeof(*event));
	if (!event)
		return 0;
	event->instance = instance;
	event->publish = publish;
	event->handed_off = handed_off;
	COPY_NAME(event->name, name);
	submit_event(event);
	return 0;
}

SEC("tp_btf/raceless_replace")
int BPF_PROG(on_replace, const char *name, __u64 from, __u64 to, int error,
	     __u64 ns)
{
	if (error)
		TOTAL(replace_failures, 1);
	else
		TOTAL(replacements, 1);
	return 0;
}

SEC("tp_btf/raceless_stop")
int BPF_PROG(on_stop, const char *name, __u64 instance, __u64 ns)
{
	struct raceless_event_stop *event;

	record_ns(&stop_ns, ns);

	event = begin_event(RACELESS_EVENT_STOP, sizeof(*event));
	if (!event)
		return 0;
	event->instance = instance;
	event->stop_ns = ns;
	COPY_NAME(event->name, name);
	submit_event(event);
	return 0;
}

SEC("tp_btf/raceless_grace_period")
int BPF_PROG(on_grace_period, const char *name, __u64 instance, __u32 nr,
	     __u64 ns, bool expedited)
{
	struct raceless_event_grace_period *event;

	record_ns(&grace_ns, ns);
	if (expedited)
		TOTAL(expedited, 1);
	else
		TOTAL(polite, 1);

	event = begin_event(RACELESS_EVENT_GRACE_PERIOD, sizeof(*event));
	if (!event)
		return 0;
	event->instance = instance;
	event->grace_ns = ns;
	event->expedited = expedited;
	event->instances = nr;
	COPY_NAME(event->name, name);
	submit_event(event);
	return 0;
}

SEC("tp_btf/raceless_get_fail")
int BPF_PROG(on_get_fail, const char *name, __u32 reason, int error)
{
	struct raceless_get_failure failure = {
		.reason = reason,
		.error = error,
		.stack = stack_of(ctx),
	};
	enum raceless_reason why = reason;
	struct raceless_event_get_fail *event;

	COPY_NAME(failure.name, name);
	count(&get_reasons, &why, 1);
	count(&get_failures, &failure, 1);

	event = begin_event(RACELESS_EVENT_GET_FAIL, sizeof(*event));
	if (!event)
		return 0;
	event->reason = reason;
	event->error = error;
	event->tid = current_tid();
	event->stack = failure.stack;
	COPY_NAME(event->name, name);
	submit_event(event);
	return 0;
}

SEC("tp_btf/raceless_wait")
int BPF_PROG(on_wait_end, const char *name, __u64 instance, __u64 ns, int error)
{
	struct raceless_event_wait *event;

	TOTAL(waits, 1);
	if (error) {
		TOTAL(failed_waits, 1);
		record_ns(&failed_wait_ns, ns);
	} else {
		record_ns(&reload_wait_ns, ns);
	}

	event = begin_event(RACELESS_EVENT_WAIT, sizeof(*event));
	if (!event)
		return 0;
	event->instance = instance;
	event->waited_ns = ns;
	event->error = error;
	event->tid = current_tid();
	COPY_NAME(event->name, name);
	submit_event(event);
	return 0;
}

SEC("tp_btf/raceless_flight_start")
int BPF_PROG(on_flight_start, const char *name)
{
	struct raceless_event_flight_start *event;

	event = begin_event(RACELESS_EVENT_FLIGHT_START, sizeof(*event));
	if (!event)
		return 0;
	COPY_NAME(event->name, name);
	submit_event(event);
	return 0;
}

SEC("tp_btf/raceless_flight_end")
int BPF_PROG(on_flight_end, const char *name, int error, bool in_place,
	     __u32 tries, __u32 failed, __u64 ns)
{
	struct raceless_event_flight_end *event;

	TOTAL(flights, 1);
	TOTAL(modprobes, tries);
	TOTAL(failed_waiters, failed);
	if (in_place)
		TOTAL(flights_in_place, 1);
	if (error)
		TOTAL(flight_errors, 1);
	record_ns(&flight_ns, ns);

	event = begin_event(RACELESS_EVENT_FLIGHT_END, sizeof(*event));
	if (!event)
		return 0;
	event->flight_ns = ns;
	event->error = error;
	event->tries = tries;
	event->failed = failed;
	event->in_place = in_place;
	COPY_NAME(event->name, name);
	submit_event(event);
	return 0;
}

SEC("tp_btf/raceless_broken")
int BPF_PROG(on_broken_promise, const char *name, __u64 instance, __u32 promise)
{
	enum raceless_promise which = promise;
	struct raceless_event_broken *event;

	count(&broken, &which, 1);

	event = begin_event(RACELESS_EVENT_BROKEN, sizeof(*event));
	if (!event)
		return 0;
	event->instance = instance;
	event->promise = promise;
	COPY_NAME(event->name, name);
	submit_event(event);
	return 0;
}
