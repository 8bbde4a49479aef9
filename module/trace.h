/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The registry's tracepoints. They are no ABI: they follow the code. BPF
 * attaches to them as tp_btf, so the arguments are plain values and strings,
 * never our structures.
 *
 * All run in process context, some under a spinlock, but raceless_get_fail of a
 * tryget, which may be seen from any.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM raceless

#if !defined(_RACELESS_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _RACELESS_TRACE_H

#include <linux/tracepoint.h>

#include "uapi/raceless.h"

#define raceless_show_state(state)                                             \
	__print_symbolic(state,                                                \
			 { RACELESS_GONE, "gone" },                            \
			 { RACELESS_LOADING, "loading" },                      \
			 { RACELESS_LIVE, "live" },                            \
			 { RACELESS_STOPPING, "stopping" },                    \
			 { RACELESS_DRAINING, "draining" },                    \
			 { RACELESS_DESTROYING, "destroying" })

#define raceless_show_reason(reason)                                           \
	__print_symbolic(reason,                                               \
			 { RACELESS_REASON_ABSENT, "absent" },                 \
			 { RACELESS_REASON_UNLOADING, "unloading" },           \
			 { RACELESS_REASON_FLIGHT, "flight" },                 \
			 { RACELESS_REASON_TIMEOUT, "timeout" },               \
			 { RACELESS_REASON_KILLED, "killed" },                 \
			 { RACELESS_REASON_DEADLOCK, "deadlock" },             \
			 { RACELESS_REASON_LIMIT, "limit" },                   \
			 { RACELESS_REASON_MEMORY, "memory" })

/* An instance entered the state @to, having been @elapsed_ns in @from. */
TRACE_EVENT(raceless_transition,
	TP_PROTO(const char *name, u64 instance, const char *owner, u32 from,
		 u32 to, u64 elapsed_ns),
	TP_ARGS(name, instance, owner, from, to, elapsed_ns),
	TP_STRUCT__entry(
		__string(name, name)
		__string(owner, owner)
		__field(u64, instance)
		__field(u64, elapsed_ns)
		__field(u32, from)
		__field(u32, to)
	),
	TP_fast_assign(
		raceless_assign_str(name, name);
		raceless_assign_str(owner, owner);
		__entry->instance = instance;
		__entry->elapsed_ns = elapsed_ns;
		__entry->from = from;
		__entry->to = to;
	),
	TP_printk("name=%s instance=%llu owner=%s %s->%s elapsed_ns=%llu",
		  __get_str(name), __entry->instance, __get_str(owner),
		  raceless_show_state(__entry->from),
		  raceless_show_state(__entry->to), __entry->elapsed_ns)
);

/* An instance became reachable, with the references of all waiters taken. */
TRACE_EVENT(raceless_publish,
	TP_PROTO(const char *name, u64 instance, u64 publish, u32 handed_off),
	TP_ARGS(name, instance, publish, handed_off),
	TP_STRUCT__entry(
		__string(name, name)
		__field(u64, instance)
		__field(u64, publish)
		__field(u32, handed_off)
	),
	TP_fast_assign(
		raceless_assign_str(name, name);
		__entry->instance = instance;
		__entry->publish = publish;
		__entry->handed_off = handed_off;
	),
	TP_printk("name=%s instance=%llu publish=%llu handed_off=%u",
		  __get_str(name), __entry->instance, __entry->publish,
		  __entry->handed_off)
);

/*
 * The init of instance @to, which was to replace @from side by side, has ended,
 * @ns after it began: @to has taken over, or, with an @error, @from stays.
 */
TRACE_EVENT(raceless_replace,
	TP_PROTO(const char *name, u64 from, u64 to, int error, u64 ns),
	TP_ARGS(name, from, to, error, ns),
	TP_STRUCT__entry(
		__string(name, name)
		__field(u64, from)
		__field(u64, to)
		__field(int, error)
		__field(u64, ns)
	),
	TP_fast_assign(
		raceless_assign_str(name, name);
		__entry->from = from;
		__entry->to = to;
		__entry->error = error;
		__entry->ns = ns;
	),
	TP_printk("name=%s from=%llu to=%llu error=%d ns=%llu",
		  __get_str(name), __entry->from, __entry->to, __entry->error,
		  __entry->ns)
);

/* The provider's stop returned, @ns after it was called. */
TRACE_EVENT(raceless_stop,
	TP_PROTO(const char *name, u64 instance, u64 ns),
	TP_ARGS(name, instance, ns),
	TP_STRUCT__entry(
		__string(name, name)
		__field(u64, instance)
		__field(u64, ns)
	),
	TP_fast_assign(
		raceless_assign_str(name, name);
		__entry->instance = instance;
		__entry->ns = ns;
	),
	TP_printk("name=%s instance=%llu ns=%llu", __get_str(name),
		  __entry->instance, __entry->ns)
);

/*
 * The grace period between stop and drain, as the unloader saw it: one for the
 * @nr instances that were stopped together, of which @name is the first.
 */
TRACE_EVENT(raceless_grace_period,
	TP_PROTO(const char *name, u64 instance, u32 nr, u64 ns,
		 bool expedited),
	TP_ARGS(name, instance, nr, ns, expedited),
	TP_STRUCT__entry(
		__string(name, name)
		__field(u64, instance)
		__field(u64, ns)
		__field(u32, nr)
		__field(bool, expedited)
	),
	TP_fast_assign(
		raceless_assign_str(name, name);
		__entry->instance = instance;
		__entry->ns = ns;
		__entry->nr = nr;
		__entry->expedited = expedited;
	),
	TP_printk("name=%s instance=%llu nr=%u ns=%llu expedited=%d",
		  __get_str(name), __entry->instance, __entry->nr, __entry->ns,
		  __entry->expedited)
);

/* A get or tryget failed: enum raceless_reason, and the errno given. */
TRACE_EVENT(raceless_get_fail,
	TP_PROTO(const char *name, u32 reason, int error),
	TP_ARGS(name, reason, error),
	TP_STRUCT__entry(
		__string(name, name)
		__field(u32, reason)
		__field(int, error)
	),
	TP_fast_assign(
		raceless_assign_str(name, name);
		__entry->reason = reason;
		__entry->error = error;
	),
	TP_printk("name=%s reason=%s error=%d", __get_str(name),
		  raceless_show_reason(__entry->reason), __entry->error)
);

/* A get begins to wait; @joined publishes of the name came before. */
TRACE_EVENT(raceless_wait_begin,
	TP_PROTO(const char *name, u64 joined),
	TP_ARGS(name, joined),
	TP_STRUCT__entry(
		__string(name, name)
		__field(u64, joined)
	),
	TP_fast_assign(
		raceless_assign_str(name, name);
		__entry->joined = joined;
	),
	TP_printk("name=%s joined=%llu", __get_str(name), __entry->joined)
);

/* A get that had to wait ended: with a reference (@error 0), or without. */
TRACE_EVENT(raceless_wait,
	TP_PROTO(const char *name, u64 instance, u64 ns, int error),
	TP_ARGS(name, instance, ns, error),
	TP_STRUCT__entry(
		__string(name, name)
		__field(u64, instance)
		__field(u64, ns)
		__field(int, error)
	),
	TP_fast_assign(
		raceless_assign_str(name, name);
		__entry->instance = instance;
		__entry->ns = ns;
		__entry->error = error;
	),
	TP_printk("name=%s instance=%llu ns=%llu error=%d", __get_str(name),
		  __entry->instance, __entry->ns, __entry->error)
);

/* A flight took off, to bring a name back. */
TRACE_EVENT(raceless_flight_start,
	TP_PROTO(const char *name),
	TP_ARGS(name),
	TP_STRUCT__entry(
		__string(name, name)
	),
	TP_fast_assign(
		raceless_assign_str(name, name);
	),
	TP_printk("name=%s", __get_str(name))
);

/*
 * A flight ended; @failed waiters got @error; @tries modprobes were run, and then,
 * if @in_place, the init of a provider whose module was still there.
 */
TRACE_EVENT(raceless_flight_end,
	TP_PROTO(const char *name, int error, bool in_place, u32 tries,
		 u32 failed, u64 ns),
	TP_ARGS(name, error, in_place, tries, failed, ns),
	TP_STRUCT__entry(
		__string(name, name)
		__field(int, error)
		__field(bool, in_place)
		__field(u32, tries)
		__field(u32, failed)
		__field(u64, ns)
	),
	TP_fast_assign(
		raceless_assign_str(name, name);
		__entry->error = error;
		__entry->in_place = in_place;
		__entry->tries = tries;
		__entry->failed = failed;
		__entry->ns = ns;
	),
	TP_printk("name=%s error=%d in_place=%d tries=%u failed=%u ns=%llu",
		  __get_str(name), __entry->error, __entry->in_place,
		  __entry->tries, __entry->failed, __entry->ns)
);

/* A promise (enum raceless_promise) was seen broken. */
TRACE_EVENT(raceless_broken,
	TP_PROTO(const char *name, u64 instance, u32 promise),
	TP_ARGS(name, instance, promise),
	TP_STRUCT__entry(
		__string(name, name)
		__field(u64, instance)
		__field(u32, promise)
	),
	TP_fast_assign(
		raceless_assign_str(name, name);
		__entry->instance = instance;
		__entry->promise = promise;
	),
	TP_printk("name=%s instance=%llu promise=%u", __get_str(name),
		  __entry->instance, __entry->promise)
);

/* The registry is being unloaded, and this was one of its totals. */
TRACE_EVENT(raceless_total,
	TP_PROTO(const char *key, u64 value),
	TP_ARGS(key, value),
	TP_STRUCT__entry(
		__string(key, key)
		__field(u64, value)
	),
	TP_fast_assign(
		raceless_assign_str(key, key);
		__entry->value = value;
	),
	TP_printk("key=%s value=%llu", __get_str(key), __entry->value)
);

#endif /* _RACELESS_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
