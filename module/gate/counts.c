// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/raceless_gate: is it on, and what it did, in all, by system call and by
 * module. In the format of /proc/raceless. Counts since raceless.ko was loaded.
 */
#include <linux/atomic.h>
#include <linux/math64.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/time64.h>

#include "gate.h"
#include "uapi/histogram.h"

const char *const raceless_gate_count_names[GATE_NR_COUNTS] = {
	[GATE_RESTARTS] = "restarts",
	[GATE_RESCUED] = "rescued",
	[GATE_WAITS] = "waits",
	[GATE_TIMEOUTS] = "timeouts",
	[GATE_EXIT_STALLS] = "exit_stalls",
	[GATE_SIGNALS] = "signals",
	[GATE_LEASES] = "leases",
	[GATE_LEASE_TIMEOUTS] = "lease_timeouts",
	[GATE_DELETES_DELAYED] = "deletes_delayed",
	[GATE_DELETE_TIMEOUTS] = "delete_timeouts",
	[GATE_EXEMPT_CALLS] = "exempt_calls",
	[GATE_EXEMPT_DELETES] = "exempt_deletes",
	[GATE_MISSING] = "missing",
};

static const char *const open_names[RACELESS_GATE_NR_OPENS] = {
	[RACELESS_GATE_OPEN_KTHREAD] = "kthread",
	[RACELESS_GATE_OPEN_IO_URING] = "io_uring",
	[RACELESS_GATE_OPEN_UNLISTED] = "unlisted",
	[RACELESS_GATE_OPEN_LIMIT] = "limit",
	[RACELESS_GATE_OPEN_MEMORY] = "memory",
	[RACELESS_GATE_OPEN_REGISTERS] = "registers",
	[RACELESS_GATE_OPEN_HELPER] = "helper",
};

static const char *const syscall_names[RACELESS_GATE_NR_SYSCALLS] = {
	[RACELESS_GATE_MOUNT] = "mount",
	[RACELESS_GATE_FSOPEN] = "fsopen",
	[RACELESS_GATE_FSCONFIG] = "fsconfig",
	[RACELESS_GATE_SOCKET] = "socket",
	[RACELESS_GATE_SOCKETPAIR] = "socketpair",
	[RACELESS_GATE_BIND] = "bind",
	[RACELESS_GATE_SETSOCKOPT] = "setsockopt",
	[RACELESS_GATE_GETSOCKOPT] = "getsockopt",
	[RACELESS_GATE_SOCKETCALL] = "socketcall",
	[RACELESS_GATE_FINIT_MODULE] = "finit_module",
	[RACELESS_GATE_INIT_MODULE] = "init_module",
};

static atomic64_t totals[GATE_NR_COUNTS];
static atomic64_t opens[RACELESS_GATE_NR_OPENS]; /* from any context */
static atomic64_t by_syscall[RACELESS_GATE_NR_SYSCALLS][GATE_NR_COUNTS];

enum { HIST_RESTARTS, HIST_CALL, HIST_WAIT, NR_HISTS };

static const char *const hist_names[NR_HISTS] = {
	[HIST_RESTARTS] = "restarts_per_call",
	[HIST_CALL] = "call_ns", /* from the first failure to the return */
	[HIST_WAIT] = "wait_ns", /* of one attempt */
};

static struct raceless_hist hists[NR_HISTS];
static DEFINE_SPINLOCK(hists_lock); /* inside of any other */

/* `module`: NULL or empty if it is not known; `syscall`: negative if there is none. */
void raceless_gate_count(enum raceless_gate_count count, const char *module,
			 int syscall)
{
	atomic64_inc(&totals[count]);
	if (syscall >= 0 && syscall < RACELESS_GATE_NR_SYSCALLS)
		atomic64_inc(&by_syscall[syscall][count]);
	if (module && module[0])
		raceless_gate_module_count(count, module);
}

/* Context: any. */
void raceless_gate_count_open(enum raceless_gate_open open)
{
	if (open < RACELESS_GATE_NR_OPENS)
		atomic64_inc(&opens[open]);
}

static void record(struct raceless_hist *hist, u64 value)
{
	spin_lock(&hists_lock);
	hist->count++;
	hist->sum += value;
	hist->max = max(hist->max, value);
	hist->buckets[raceless_hist_bucket(value)]++;
	spin_unlock(&hists_lock);
}

/* A call that was restarted has returned to its user. */
void raceless_gate_count_call(u32 restarts, u64 ns)
{
	record(&hists[HIST_RESTARTS], restarts);
	record(&hists[HIST_CALL], ns);
}

void raceless_gate_count_wait(u64 ns)
{
	record(&hists[HIST_WAIT], ns);
}

static void show_hist(struct seq_file *seq, unsigned int i)
{
	const struct raceless_hist *hist = &hists[i];
	unsigned int bucket;

	spin_lock(&hists_lock);
	seq_printf(seq, "# histogram %s count=%llu sum=%llu max=%llu",
		   hist_names[i], hist->count, hist->sum, hist->max);
	for (bucket = 0; bucket < RACELESS_HIST_BUCKETS; bucket++)
		if (hist->buckets[bucket])
			seq_printf(seq, " %llu:%llu", raceless_hist_lower(bucket),
				   hist->buckets[bucket]);
	spin_unlock(&hists_lock);
	seq_putc(seq, '\n');
}

/* As they are heeded, which is not always what the parameter says. */
static void show_bound(struct seq_file *seq, const char *name,
		       const unsigned int *ms)
{
	seq_printf(seq, "# total %s %llu\n", name,
		   div_u64(raceless_gate_bound_ns(ms), NSEC_PER_MSEC));
}

static void show_bounds(struct seq_file *seq)
{
	show_bound(seq, "hold_ms", &raceless_gate_hold_ms);
	show_bound(seq, "exit_ms", &raceless_gate_exit_ms);
	show_bound(seq, "lease_ms", &raceless_gate_lease_ms);
	show_bound(seq, "delete_ms", &raceless_gate_delete_ms);
}

static int show(struct seq_file *seq, void *unused)
{
	unsigned int i, syscall;
	u64 value;

	seq_printf(seq, "# total on %d\n", READ_ONCE(raceless_gate_enabled));
	show_bounds(seq);
	seq_printf(seq, "# total calls_now %u\n", raceless_gate_calls_nr());
	seq_printf(seq, "# total leases_now %u\n", raceless_gate_leases_nr());
	for (i = 0; i < GATE_NR_COUNTS; i++)
		seq_printf(seq, "# total %s %llu\n", raceless_gate_count_names[i],
			   (u64)atomic64_read(&totals[i]));
	for (i = 0; i < RACELESS_GATE_NR_OPENS; i++)
		seq_printf(seq, "# total open %s %llu\n", open_names[i],
			   (u64)atomic64_read(&opens[i]));
	for (syscall = 0; syscall < RACELESS_GATE_NR_SYSCALLS; syscall++)
		for (i = 0; i < GATE_NR_COUNTS; i++) {
			value = atomic64_read(&by_syscall[syscall][i]);
			if (value)
				seq_printf(seq, "# total syscall %s %s %llu\n",
					   syscall_names[syscall],
					   raceless_gate_count_names[i], value);
		}
	for (i = 0; i < NR_HISTS; i++)
		show_hist(seq, i);
	raceless_gate_modules_show(seq);
	return 0;
}

int raceless_gate_counts_init(void)
{
	return proc_create_single("raceless_gate", 0400, NULL, show) ? 0 : -ENOMEM;
}

void raceless_gate_counts_exit(void)
{
	remove_proc_entry("raceless_gate", NULL);
}
