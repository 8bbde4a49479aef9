/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The gate: system calls that fail because of a dying module are restarted once
 * it has gone. BPF (bpf/gate.bpf.c) sees what a call met, and says so when it has
 * failed; the waits, their bounds and all state are here, and no wait depends on
 * BPF for its end.
 *
 * evidence.c	whether a call failed because of a deleted module
 * call.c	calls that asked for a module or are being retried, and their wait
 * deleter.c	delete_module, which waits for older ones that are being retried,
 *		and for leases
 * lease.c	what somebody wants stays, once loaded, until they had their chance
 * modules.c	which modules are being deleted, or were
 * gets.c	gets that fail as the module is dying
 * counts.c	what happened, and /proc/raceless_gate
 * kfuncs.c	what BPF calls
 * switch.c	on, off, init and exit
 */
#ifndef _RACELESS_GATE_H
#define _RACELESS_GATE_H

#include <linux/list.h>
#include <linux/module.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "uapi/gate.h"

struct seq_file;

/*
 * Protects calls, deleters, leases and what is known of modules. On PREEMPT_RT it
 * sleeps, as do the other locks here and kmalloc: so it is taken in process context
 * with preemption on, alone, by BPF programs at the begin and end of functions that
 * run there (these leave it on, raw tracepoints turn it off).
 */
extern spinlock_t raceless_gate_lock;

/* switch.c */
extern bool raceless_gate_enabled; /* under the lock, or a hint without it */
extern unsigned int raceless_gate_hold_ms, raceless_gate_exit_ms;
extern unsigned int raceless_gate_lease_ms, raceless_gate_delete_ms;
u64 raceless_gate_bound_ns(const unsigned int *ms);
bool raceless_gate_work_queue(struct callback_head *work);
void raceless_gate_work_done(void);
int raceless_gate_switch(bool on);
int raceless_gate_init(void);
void raceless_gate_exit(void);

/* evidence.c */
bool raceless_gate_raced(const struct raceless_gate_evidence *evidence);

/* call.c */
extern wait_queue_head_t raceless_gate_calls_changed;
int raceless_gate_call_request(void);
int raceless_gate_call_hold(const struct raceless_gate_evidence *evidence);
unsigned int raceless_gate_call_end(long error);
u64 raceless_gate_next_id(void);
bool raceless_gate_older_calls(u64 id, const char *module);
unsigned int raceless_gate_calls_nr(void);
void raceless_gate_calls_clear(void);

/* deleter.c */
void raceless_gate_deleter_wait(const char *module, bool compat);
void raceless_gate_deleters_clear(void);

/* lease.c */
void raceless_gate_lease_take(struct module *module);
bool raceless_gate_leased(const char *name, struct list_head *over);
void raceless_gate_leases_free(struct list_head *over);
void raceless_gate_leases_check(void);
void raceless_gate_leases_drop(const struct module *module);
unsigned int raceless_gate_leases_nr(void);
void raceless_gate_leases_clear(void);

/* What is counted; with a module and a system call also of these. */
enum raceless_gate_count {
	GATE_RESTARTS, /* of calls, each time */
	GATE_RESCUED, /* calls that succeeded after a restart */
	GATE_WAITS, /* for a module to go */
	GATE_TIMEOUTS, /* calls that failed as their bound was up */
	GATE_EXIT_STALLS, /* calls that failed as one exit took too long */
	GATE_SIGNALS, /* waits that a signal ended */
	GATE_LEASES,
	GATE_LEASE_TIMEOUTS, /* leases that ended with their bound */
	GATE_DELETES_DELAYED,
	GATE_DELETE_TIMEOUTS, /* deletes that went on as their bound was up */
	GATE_EXEMPT_CALLS, /* let through: an unload waits for this very call */
	GATE_EXEMPT_DELETES, /* let through: a request waits for this delete */
	GATE_MISSING, /* failed calls whose module does not exist */
	GATE_NR_COUNTS,
};

/* modules.c */
extern wait_queue_head_t raceless_gate_modules_changed;
bool raceless_gate_module_busy(const char *name);
bool raceless_gate_module_dying(const char *name);
bool raceless_gate_any_dying(void);
bool raceless_gate_deleted_since(const char *name, u64 ns);
void raceless_gate_module_freed(void);
bool raceless_gate_is_helper(void);
bool raceless_gate_dying_within(const char *name,
				const struct raceless_gate_frames *frames);
bool raceless_gate_has_files_of_dying(const char *name);
void raceless_gate_module_count(enum raceless_gate_count count,
				const char *name);
void raceless_gate_modules_show(struct seq_file *seq);
int raceless_gate_modules_init(void);
void raceless_gate_modules_exit(void);

/* gets.c */
int raceless_gate_gets_watch(void);
void raceless_gate_gets_ignore(void);
void raceless_gate_get_fails(struct module *module);

/* counts.c */
void raceless_gate_count(enum raceless_gate_count count, const char *module,
			 int syscall);
void raceless_gate_count_open(enum raceless_gate_open open);
void raceless_gate_count_call(u32 restarts, u64 ns);
void raceless_gate_count_wait(u64 ns);
extern const char *const raceless_gate_count_names[GATE_NR_COUNTS];
int raceless_gate_counts_init(void);
void raceless_gate_counts_exit(void);

/* kfuncs.c; called by BPF, with the prototypes that bpf/gate_kfuncs.h has. */
int raceless_gate_request(void);
int raceless_gate_hold(const struct raceless_gate_evidence *evidence);
int raceless_gate_end(long error);
void raceless_gate_delete(const struct raceless_gate_name *module, int compat);
int raceless_gate_dying(const struct raceless_gate_name *module);
int raceless_gate_has_files(void);
int raceless_gate_within(const struct raceless_gate_name *module,
			 const struct raceless_gate_frames *frames);
void raceless_gate_freed(void);
int raceless_gate_may_allocate(void);
void raceless_gate_opened(unsigned int open);
int raceless_gate_kfuncs_init(void);

#endif /* _RACELESS_GATE_H */
