// SPDX-License-Identifier: GPL-2.0
/*
 * News of one name: probes on the registry's tracepoints complete what the test
 * waits for. A completion counts, so news that came early is not lost.
 */
#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "selftest.h"
#include "trace.h"

static const char *expected; /* a string literal of the test */
static struct completion joins;
static struct completion states[RACELESS_DESTROYING + 1];
static atomic_t grace_periods, grace_instances;
static struct raceless_slot *pinning; /* its flight is about to let this module go */
static unsigned int lets_go, lets_go_in_time;
static struct tracepoint *module_put_point;

static bool concerns_us(const char *name)
{
	const char *wanted = READ_ONCE(expected);

	return wanted && !strcmp(wanted, name);
}

static void on_wait_begin(void *data, const char *name, u64 joined)
{
	if (concerns_us(name))
		complete(&joins);
}

static void on_transition(void *data, const char *name, u64 instance,
			  const char *owner, u32 from, u32 to, u64 elapsed_ns)
{
	if (concerns_us(name))
		complete(&states[to]);
}

/* Of any name: one may have been waited for by instances of others. */
static void on_grace_period(void *data, const char *name, u64 instance, u32 nr,
			    u64 ns, bool expedited)
{
	atomic_inc(&grace_periods);
	atomic_add(nr, &grace_instances);
}

/* In time is: in the very section in which the flight's claim ends. */
static void on_module_put(void *data, struct module *module, unsigned long ip)
{
	struct raceless_slot *slot = READ_ONCE(pinning);

	if (module != THIS_MODULE || !slot)
		return;
	lets_go++;
	if (spin_is_locked(&slot->lock) && slot->state != RACELESS_LOADING)
		lets_go_in_time++;
}

static void find_module_put(struct tracepoint *point, void *data)
{
	if (!strcmp(point->name, "module_put"))
		module_put_point = point;
}

/* Forgets what was told before. */
void news_expect(const char *name)
{
	int i;

	reinit_completion(&joins);
	for (i = 0; i < ARRAY_SIZE(states); i++)
		reinit_completion(&states[i]);
	atomic_set(&grace_periods, 0);
	atomic_set(&grace_instances, 0);
	WRITE_ONCE(expected, name);
}

/* Waits until @nr more gets have begun to wait. */
bool news_joined(unsigned int nr)
{
	while (nr--)
		if (!wait_for_completion_timeout(&joins, PATIENCE))
			return false;
	return true;
}

/* Waits until an instance has entered the state, once per call. */
bool news_state(enum raceless_state state)
{
	return wait_for_completion_timeout(&states[state], PATIENCE);
}

/* How many grace periods unloads have waited for, of any name … */
unsigned int news_grace_periods(void)
{
	return atomic_read(&grace_periods);
}

/* … and how many instances these were for. */
unsigned int news_grace_instances(void)
{
	return atomic_read(&grace_instances);
}

/* The slot's flight has a reference on this module; nobody else puts one for now. */
bool news_watch_pin(struct raceless_slot *slot)
{
	struct raceless_slot *ours = raceless_slot_get(slot->name);

	if (IS_ERR(ours))
		return false;
	lets_go = 0;
	lets_go_in_time = 0;
	WRITE_ONCE(pinning, ours);
	return true;
}

/* Was it put once, and in time? */
bool news_pin_put_in_time(void)
{
	struct raceless_slot *slot = pinning;

	WRITE_ONCE(pinning, NULL);
	tracepoint_synchronize_unregister(); /* a probe may still look at it */
	raceless_slot_put(slot);
	return lets_go == 1 && lets_go_in_time == 1;
}

int news_init(void)
{
	int err, i;

	for_each_kernel_tracepoint(find_module_put, NULL);
	if (!module_put_point)
		return -ENOENT;
	init_completion(&joins);
	for (i = 0; i < ARRAY_SIZE(states); i++)
		init_completion(&states[i]);
	err = register_trace_raceless_wait_begin(on_wait_begin, NULL);
	if (err)
		return err;
	err = register_trace_raceless_transition(on_transition, NULL);
	if (err)
		goto err_wait_begin;
	err = register_trace_raceless_grace_period(on_grace_period, NULL);
	if (err)
		goto err_transition;
	err = tracepoint_probe_register(module_put_point, on_module_put, NULL);
	if (err)
		goto err_grace_period;
	return 0;

err_grace_period:
	unregister_trace_raceless_grace_period(on_grace_period, NULL);
err_transition:
	unregister_trace_raceless_transition(on_transition, NULL);
err_wait_begin:
	unregister_trace_raceless_wait_begin(on_wait_begin, NULL);
	tracepoint_synchronize_unregister();
	return err;
}

void news_exit(void)
{
	tracepoint_probe_unregister(module_put_point, on_module_put, NULL);
	unregister_trace_raceless_grace_period(on_grace_period, NULL);
	unregister_trace_raceless_transition(on_transition, NULL);
	unregister_trace_raceless_wait_begin(on_wait_begin, NULL);
	tracepoint_synchronize_unregister();
}
