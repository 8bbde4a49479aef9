// SPDX-License-Identifier: GPL-2.0
/*
 * raceless_ledger.ko: a second set of books. It counts the hits of the registry's
 * tracepoints and adds up their arguments, knows nothing of the registry's own
 * counters, and shows the result in /proc/raceless_ledger, so that the two can be
 * compared (`raceless audit`).
 *
 * A histogram trigger of the kernel would do for a registry that stays. But the
 * registry is unloaded by tests, the trigger goes with its event, and in doing so
 * leaves its probe attached, which the kernel warns of (seen on v6.1 and v6.12:
 * tracepoint_module_going()). Perf pins the module. So this listens to the news of
 * modules: it attaches before the registry's init, detaches after its exit, and
 * opens a new book for each load. No hit is missed, and no symbol of the registry
 * is used, which would pin it.
 *
 * A book is complete when the registry is gone; before, it is read while it is
 * being written, and exact only when nothing happens. Cannot be unloaded.
 */
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "trace.h"

#define NR_STATES (RACELESS_DESTROYING + 1)
#define MAX_TOTALS 96

/* Sums over all hits, on one CPU. Index 1 of a pair: yes, or failed. */
struct counts {
	u64 transitions[NR_STATES][NR_STATES]; /* from, to */
	u64 transitions_ns[NR_STATES][NR_STATES];
	u64 publishes;
	u64 handed_off;
	u64 replaces[2]; /* failed? */
	u64 stops;
	u64 stops_ns;
	u64 graces[2]; /* expedited? */
	u64 graces_ns;
	u64 graces_nr; /* instances that they were for */
	u64 get_fails[RACELESS_NR_REASONS];
	u64 wait_begins;
	u64 waits[2]; /* failed? */
	u64 waits_ns[2];
	u64 flight_starts;
	u64 flights_in_place;
	u64 flight_ends[2]; /* failed? */
	u64 flight_ends_ns;
	u64 tries;
	u64 failed_waiters;
	u64 broken[RACELESS_NR_PROMISES];
	u64 out_of_range; /* an argument that no enum has */
};

/* One load of the registry, from before its init to after its exit. */
struct book {
	struct list_head node; /* books; books_mutex */
	bool closed;
	struct counts __percpu *counts;
	/* what the registry said of itself as it went; its exit alone writes */
	unsigned int nr_totals;
	struct total {
		char key[40];
		u64 value;
	} totals[MAX_TOTALS];
};

static LIST_HEAD(books);
static DEFINE_MUTEX(books_mutex);
static unsigned int lost; /* loads for which there was no memory */

static void on_transition(void *data, const char *name, u64 instance,
			  const char *owner, u32 from, u32 to, u64 elapsed_ns)
{
	struct book *book = data;

	if (from >= NR_STATES || to >= NR_STATES) {
		this_cpu_inc(book->counts->out_of_range);
		return;
	}
	this_cpu_inc(book->counts->transitions[from][to]);
	this_cpu_add(book->counts->transitions_ns[from][to], elapsed_ns);
}

static void on_publish(void *data, const char *name, u64 instance, u64 publish,
		       u32 handed_off)
{
	struct book *book = data;

	this_cpu_inc(book->counts->publishes);
	this_cpu_add(book->counts->handed_off, handed_off);
}

static void on_replace(void *data, const char *name, u64 from, u64 to,
		       int error, u64 ns)
{
	struct book *book = data;

	this_cpu_inc(book->counts->replaces[!!error]);
}

static void on_stop(void *data, const char *name, u64 instance, u64 ns)
{
	struct book *book = data;

	this_cpu_inc(book->counts->stops);
	this_cpu_add(book->counts->stops_ns, ns);
}

static void on_grace_period(void *data, const char *name, u64 instance, u32 nr,
			    u64 ns, bool expedited)
{
	struct book *book = data;

	this_cpu_inc(book->counts->graces[expedited]);
	this_cpu_add(book->counts->graces_ns, ns);
	this_cpu_add(book->counts->graces_nr, nr);
}

static void on_get_fail(void *data, const char *name, u32 reason, int error)
{
	struct book *book = data;

	if (reason >= RACELESS_NR_REASONS)
		this_cpu_inc(book->counts->out_of_range);
	else
		this_cpu_inc(book->counts->get_fails[reason]);
}

static void on_wait_begin(void *data, const char *name, u64 joined)
{
	struct book *book = data;

	this_cpu_inc(book->counts->wait_begins);
}

static void on_wait(void *data, const char *name, u64 instance, u64 ns,
		    int error)
{
	struct book *book = data;

	this_cpu_inc(book->counts->waits[!!error]);
	this_cpu_add(book->counts->waits_ns[!!error], ns);
}

static void on_flight_start(void *data, const char *name)
{
	struct book *book = data;

	this_cpu_inc(book->counts->flight_starts);
}

static void on_flight_end(void *data, const char *name, int error,
			  bool in_place, u32 tries, u32 failed, u64 ns)
{
	struct book *book = data;

	this_cpu_inc(book->counts->flight_ends[!!error]);
	if (in_place)
		this_cpu_inc(book->counts->flights_in_place);
	this_cpu_add(book->counts->flight_ends_ns, ns);
	this_cpu_add(book->counts->tries, tries);
	this_cpu_add(book->counts->failed_waiters, failed);
}

static void on_broken(void *data, const char *name, u64 instance, u32 promise)
{
	struct book *book = data;

	if (promise >= RACELESS_NR_PROMISES)
		this_cpu_inc(book->counts->out_of_range);
	else
		this_cpu_inc(book->counts->broken[promise]);
}

static void on_total(void *data, const char *key, u64 value)
{
	struct book *book = data;
	struct total *total = &book->totals[book->nr_totals];

	if (book->nr_totals == MAX_TOTALS) {
		this_cpu_inc(book->counts->out_of_range);
		return;
	}
	strscpy(total->key, key, sizeof(total->key));
	total->value = value;
	book->nr_totals++;
}

#define PROBE(event)                                                           \
	{                                                                      \
		.name = "raceless_" #event, .probe = on_##event                \
	}

static const struct {
	const char *name;
	void *probe;
} probes[] = {
	PROBE(transition),   PROBE(publish),	  PROBE(replace),
	PROBE(stop),	     PROBE(grace_period), PROBE(get_fail),
	PROBE(wait_begin),   PROBE(wait),	  PROBE(flight_start),
	PROBE(flight_end),   PROBE(broken),	  PROBE(total),
};

/* The table has lost the types; this fails to build when one does not fit. */
static void __maybe_unused check_types(void)
{
	check_trace_callback_type_raceless_transition(on_transition);
	check_trace_callback_type_raceless_publish(on_publish);
	check_trace_callback_type_raceless_replace(on_replace);
	check_trace_callback_type_raceless_stop(on_stop);
	check_trace_callback_type_raceless_grace_period(on_grace_period);
	check_trace_callback_type_raceless_get_fail(on_get_fail);
	check_trace_callback_type_raceless_wait_begin(on_wait_begin);
	check_trace_callback_type_raceless_wait(on_wait);
	check_trace_callback_type_raceless_flight_start(on_flight_start);
	check_trace_callback_type_raceless_flight_end(on_flight_end);
	check_trace_callback_type_raceless_broken(on_broken);
	check_trace_callback_type_raceless_total(on_total);
}

static struct book *open_book(void)
{
	struct book *book = kzalloc(sizeof(*book), GFP_KERNEL);

	if (!book)
		return NULL;
	book->counts = alloc_percpu(struct counts);
	if (!book->counts) {
		kfree(book);
		return NULL;
	}
	mutex_lock(&books_mutex);
	list_add_tail(&book->node, &books);
	mutex_unlock(&books_mutex);
	return book;
}

/* Returns how many of our probes are among the module's tracepoints. */
static unsigned int attach(struct module *module, struct book *book)
{
	unsigned int i, j, attached = 0;

	for (i = 0; i < module->num_tracepoints; i++) {
		struct tracepoint *tp =
			tracepoint_ptr_deref(&module->tracepoints_ptrs[i]);

		for (j = 0; j < ARRAY_SIZE(probes); j++)
			if (!strcmp(tp->name, probes[j].name) &&
			    !tracepoint_probe_register(tp, probes[j].probe,
						       book))
				attached++;
	}
	return attached;
}

static void detach(struct module *module, struct book *book)
{
	unsigned int i, j;

	for (i = 0; i < module->num_tracepoints; i++) {
		struct tracepoint *tp =
			tracepoint_ptr_deref(&module->tracepoints_ptrs[i]);

		for (j = 0; j < ARRAY_SIZE(probes); j++)
			if (!strcmp(tp->name, probes[j].name))
				tracepoint_probe_unregister(tp, probes[j].probe,
							    book);
	}
}

/* One call at a time; the book of the registry that is loaded is the last one. */
static int on_module(struct notifier_block *block, unsigned long state,
		     void *data)
{
	struct module *module = ((struct tp_module *)data)->mod;
	struct book *book;

	if (strcmp(module->name, "raceless"))
		return NOTIFY_OK;
	if (state == MODULE_STATE_COMING) {
		book = open_book();
		if (!book || attach(module, book) != ARRAY_SIZE(probes))
			lost++;
	} else if (state == MODULE_STATE_GOING && !list_empty(&books)) {
		book = list_last_entry(&books, struct book, node);
		detach(module, book);
		/* the exit has returned, and so have all hits */
		smp_store_release(&book->closed, true);
	}
	return NOTIFY_OK;
}

static struct notifier_block notifier = {
	.notifier_call = on_module,
};

static void sum_over_cpus(const struct book *book, struct counts *sum)
{
	const size_t nr = sizeof(*sum) / sizeof(u64);
	unsigned int i;
	int cpu;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu)
		for (i = 0; i < nr; i++)
			((u64 *)sum)[i] +=
				((u64 *)per_cpu_ptr(book->counts, cpu))[i];
}

static void show_transitions(struct seq_file *seq, const struct counts *sum)
{
	unsigned int from, to;

	for (from = 0; from < NR_STATES; from++) {
		for (to = 0; to < NR_STATES; to++) {
			if (!sum->transitions[from][to])
				continue;
			seq_printf(seq, "transition_%u_%u %llu\n", from, to,
				   sum->transitions[from][to]);
			seq_printf(seq, "transition_%u_%u_ns %llu\n", from, to,
				   sum->transitions_ns[from][to]);
		}
	}
}

static void show_counts(struct seq_file *seq, const struct counts *sum)
{
	unsigned int i;

	show_transitions(seq, sum);
	seq_printf(seq, "publish %llu\n", sum->publishes);
	seq_printf(seq, "publish_handed_off %llu\n", sum->handed_off);
	seq_printf(seq, "replace_ok %llu\n", sum->replaces[0]);
	seq_printf(seq, "replace_failed %llu\n", sum->replaces[1]);
	seq_printf(seq, "stop %llu\n", sum->stops);
	seq_printf(seq, "stop_ns %llu\n", sum->stops_ns);
	seq_printf(seq, "grace_period_polite %llu\n", sum->graces[0]);
	seq_printf(seq, "grace_period_expedited %llu\n", sum->graces[1]);
	seq_printf(seq, "grace_period_ns %llu\n", sum->graces_ns);
	seq_printf(seq, "grace_period_instances %llu\n", sum->graces_nr);
	for (i = 1; i < RACELESS_NR_REASONS; i++)
		seq_printf(seq, "get_fail_%u %llu\n", i, sum->get_fails[i]);
	seq_printf(seq, "wait_begin %llu\n", sum->wait_begins);
	seq_printf(seq, "wait_ok %llu\n", sum->waits[0]);
	seq_printf(seq, "wait_ok_ns %llu\n", sum->waits_ns[0]);
	seq_printf(seq, "wait_failed %llu\n", sum->waits[1]);
	seq_printf(seq, "flight_start %llu\n", sum->flight_starts);
	seq_printf(seq, "flight_end_ok %llu\n", sum->flight_ends[0]);
	seq_printf(seq, "flight_end_failed %llu\n", sum->flight_ends[1]);
	seq_printf(seq, "flight_end_ns %llu\n", sum->flight_ends_ns);
	seq_printf(seq, "flight_in_place %llu\n", sum->flights_in_place);
	seq_printf(seq, "flight_tries %llu\n", sum->tries);
	seq_printf(seq, "flight_failed_waiters %llu\n", sum->failed_waiters);
	for (i = 1; i < RACELESS_NR_PROMISES; i++)
		seq_printf(seq, "broken_%u %llu\n", i, sum->broken[i]);
	seq_printf(seq, "out_of_range %llu\n", sum->out_of_range);
}

static void show_book(struct seq_file *seq, const struct book *book,
		      unsigned int number, struct counts *sum)
{
	bool closed = smp_load_acquire(&book->closed); /* pairs with on_module() */
	unsigned int i;

	seq_printf(seq, "book %u %s\n", number, closed ? "closed" : "open");
	sum_over_cpus(book, sum);
	show_counts(seq, sum);
	for (i = 0; closed && i < book->nr_totals; i++)
		seq_printf(seq, "total %s %llu\n", book->totals[i].key,
			   book->totals[i].value);
}

static int show(struct seq_file *seq, void *unused)
{
	struct counts *sum = kmalloc(sizeof(*sum), GFP_KERNEL);
	unsigned int number = 0;
	struct book *book;

	if (!sum)
		return -ENOMEM;
	seq_printf(seq, "lost %u\n", READ_ONCE(lost));
	mutex_lock(&books_mutex);
	list_for_each_entry(book, &books, node)
		show_book(seq, book, ++number, sum);
	mutex_unlock(&books_mutex);
	kfree(sum);
	return 0;
}

/* Without an exit it stays, and so does what a probe that still runs uses. */
static int __init ledger_init(void)
{
	int err;

	if (!proc_create_single("raceless_ledger", 0400, NULL, show))
		return -ENOMEM;
	err = register_tracepoint_module_notifier(&notifier);
	if (err)
		remove_proc_entry("raceless_ledger", NULL);
	return err;
}

module_init(ledger_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Counts the tracepoints of the raceless registry, for comparison");
