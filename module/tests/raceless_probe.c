// SPDX-License-Identifier: GPL-2.0
/*
 * probe: a module for tests only, which does on request what no good module
 * does: fail its init before or after it registered, go without unregistering,
 * ask for another name in init, register very many names, take long to come or to
 * go, have inits that ask for each other in a circle, run while it is taken apart.
 */
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/srcu.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "raceless.h"

#define MAX_NAMES 512

static uint nr = 1;
module_param(nr, uint, 0444);
MODULE_PARM_DESC(nr, "how many names to register: probe0, probe1, ...");

static char *first;
module_param(first, charp, 0444);
MODULE_PARM_DESC(first, "the name to register in place of probe0");

static int fail_before;
module_param(fail_before, int, 0444);
MODULE_PARM_DESC(fail_before, "the module's init fails with this errno before it registers");

static int fail_after;
module_param(fail_after, int, 0444);
MODULE_PARM_DESC(fail_after, "the module's init fails with this errno after it registered");

static uint before_ms;
module_param(before_ms, uint, 0444);
MODULE_PARM_DESC(before_ms, "how long the module's init sleeps before it registers, killably");

static uint after_ms;
module_param(after_ms, uint, 0444);
MODULE_PARM_DESC(after_ms, "how long it sleeps after it registered");

static uint call_ms;
module_param(call_ms, uint, 0444);
MODULE_PARM_DESC(call_ms, "how long a call lasts, in a reader's section of the module's SRCU; 0: there are none");

static bool leave;
module_param(leave, bool, 0444);
MODULE_PARM_DESC(leave, "the module's exit leaves its providers registered");

static char *asks;
module_param(asks, charp, 0444);
MODULE_PARM_DESC(asks, "a name that each init gets and puts; it fails if that does");

static bool circle;
module_param(circle, bool, 0444);
MODULE_PARM_DESC(circle, "all inits run at once, and then each asks for the next name, the last one for the first");

static uint ask_ms = 10000;
module_param(ask_ms, uint, 0444);
MODULE_PARM_DESC(ask_ms, "how long an init asks");

static uint exit_ms;
module_param(exit_ms, uint, 0444);
MODULE_PARM_DESC(exit_ms, "how long the module's exit sleeps after it unregistered");

struct probe {
	struct raceless_provider provider;
	char name[RACELESS_NAME_SIZE];
	struct work_struct work; /* in a circle: registers it */
	int error; /* of that */
};

/* static: what is left registered outlives a module init that failed */
static struct probe probes[MAX_NAMES];
static struct raceless_provider *providers[MAX_NAMES];

DEFINE_STATIC_SRCU(probe_srcu);

static atomic_t nr_in_init = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(all_in_init);

static int ask(const char *name)
{
	struct raceless_provider *other;
	struct raceless_slot *slot = raceless_slot_get(name);

	if (IS_ERR(slot))
		return PTR_ERR(slot);
	other = raceless_get(slot, msecs_to_jiffies(ask_ms));
	if (!IS_ERR(other))
		raceless_put(other);
	raceless_slot_put(slot);
	return PTR_ERR_OR_ZERO(other);
}

/* None asks before all names are being loaded: a flight would begin for them. */
static int ask_next(const struct probe *probe)
{
	atomic_inc(&nr_in_init);
	wake_up_all(&all_in_init);
	if (!wait_event_timeout(all_in_init, atomic_read(&nr_in_init) == nr, 30 * HZ))
		return -EPROTO;
	return ask(probes[(probe - probes + 1) % nr].name);
}

static int probe_init(struct raceless_provider *provider)
{
	if (circle)
		return ask_next(container_of(provider, struct probe, provider));
	return asks ? ask(asks) : 0;
}

static int probe_call(struct raceless_provider *provider, struct raceless_request *request)
{
	int reader;

	if (!call_ms)
		return -EOPNOTSUPP;
	reader = srcu_read_lock(&probe_srcu);
	msleep(call_ms);
	srcu_read_unlock(&probe_srcu, reader);
	return 0;
}

static const struct raceless_ops probe_ops = { .init = probe_init, .call = probe_call };

static void prepare(uint i)
{
	struct probe *probe = &probes[i];

	if (first && !i)
		strscpy(probe->name, first, sizeof(probe->name));
	else
		snprintf(probe->name, sizeof(probe->name), "probe%u", i);
	probe->provider.name = probe->name;
	probe->provider.ops = &probe_ops;
}

static void register_one(struct work_struct *work)
{
	struct probe *probe = container_of(work, struct probe, work);

	probe->error = raceless_register(&probe->provider);
}

/* Return: 0 or the error of the first name that has one; then none is left. */
static int register_circle(void)
{
	struct workqueue_struct *queue;
	uint i, done = 0;
	int err = 0;

	queue = alloc_workqueue("raceless_probe", WQ_UNBOUND, nr);
	if (!queue)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		INIT_WORK(&probes[i].work, register_one);
		queue_work(queue, &probes[i].work);
	}
	destroy_workqueue(queue);
	for (i = 0; i < nr; i++) {
		if (!probes[i].error)
			providers[done++] = &probes[i].provider;
		else if (!err)
			err = probes[i].error;
	}
	if (err)
		raceless_unregister_all(providers, done);
	return err;
}

static int register_in_turn(void)
{
	uint i;
	int err;

	for (i = 0; i < nr; i++) {
		err = raceless_register(&probes[i].provider);
		if (err) {
			raceless_unregister_all(providers, i);
			return err;
		}
		providers[i] = &probes[i].provider;
	}
	return 0;
}

static int __init probe_module_init(void)
{
	uint i;
	int err;

	if (fail_before)
		return -fail_before;
	if (nr > MAX_NAMES)
		return -EINVAL;
	for (i = 0; i < nr; i++)
		prepare(i);
	if (before_ms && schedule_timeout_killable(msecs_to_jiffies(before_ms)))
		return -EINTR;
	err = circle ? register_circle() : register_in_turn();
	if (after_ms && !err)
		msleep(after_ms);
	return err ?: -fail_after;
}

static void __exit probe_module_exit(void)
{
	if (!leave)
		raceless_unregister_all(providers, nr);
	if (exit_ms)
		msleep(exit_ms);
}

module_init(probe_module_init);
module_exit(probe_module_exit);
MODULE_ALIAS_RACELESS("probe0");
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("raceless provider: breaks the rules for tests");
