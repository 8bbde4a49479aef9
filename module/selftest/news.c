// SPDX-License-Identifier: GPL-2.0
/*
 * News of one name: probes on the registry's tracepoints complete what the test
 * waits for. A completion counts, so news that came early is not lost.
 */
#include <linux/atomic.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "selftest.h"
#include "trace.h"

static const char *expected; /* a string literal of the test */
static struct completion joins;
static struct completion states[RACELESS_DESTROYING + 1];
static atomic_t grace_periods, grace_instances;
static int pins; /* on this module, when an instance was last published */

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
	if (!concerns_us(name))
		return;
	if (to == RACELESS_LIVE)
		WRITE_ONCE(pins, module_refcount(THIS_MODULE));
	complete(&states[to]);
}

/* Of any name: one may have been waited for by instances of others. */
static void on_grace_period(void *data, const char *name, u64 instance, u32 nr,
			    u64 ns, bool expedited)
{
	atomic_inc(&grace_periods);
	atomic_add(nr, &grace_instances);
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

/* How many references there were on this module at the last publish. */
int news_pins(void)
{
	return READ_ONCE(pins);
}

int news_init(void)
{
	int err, i;

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
	return 0;

err_transition:
	unregister_trace_raceless_transition(on_transition, NULL);
err_wait_begin:
	unregister_trace_raceless_wait_begin(on_wait_begin, NULL);
	tracepoint_synchronize_unregister();
	return err;
}

void news_exit(void)
{
	unregister_trace_raceless_grace_period(on_grace_period, NULL);
	unregister_trace_raceless_transition(on_transition, NULL);
	unregister_trace_raceless_wait_begin(on_wait_begin, NULL);
	tracepoint_synchronize_unregister();
}
