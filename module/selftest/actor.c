// SPDX-License-Identifier: GPL-2.0
/* Actors: one call each, in a thread that can be killed like a process. */
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "selftest.h"

static int actor_main(void *data)
{
	struct actor *actor = data;

	allow_signal(SIGKILL);
	if (actor->mm)
		kthread_use_mm(actor->mm);
	actor->result = actor->act(actor);
	if (actor->mm)
		kthread_unuse_mm(actor->mm);
	complete(&actor->done);
	return 0;
}

bool actor_start(struct actor *actor, long (*act)(struct actor *actor))
{
	struct task_struct *task;

	actor->act = act;
	init_completion(&actor->done);
	task = kthread_create(actor_main, actor, "raceless_actor");
	if (IS_ERR(task))
		return false;
	actor->task = get_task_struct(task);
	wake_up_process(task);
	return true;
}

/* Has it returned, or will it within our patience? */
bool actor_done(struct actor *actor)
{
	if (!wait_for_completion_timeout(&actor->done, PATIENCE))
		return false;
	put_task_struct(actor->task);
	return true;
}

bool actor_running(struct actor *actor)
{
	return !completion_done(&actor->done);
}

void actor_kill(struct actor *actor)
{
	send_sig(SIGKILL, actor->task, 1);
}

long act_get(struct actor *actor)
{
	actor->provider = raceless_get(actor->slot, actor->timeout);
	return PTR_ERR_OR_ZERO(actor->provider);
}

long act_register(struct actor *actor)
{
	return raceless_register(&actor->subject->provider);
}

long act_unregister(struct actor *actor)
{
	raceless_unregister(&actor->subject->provider);
	return 0;
}

long act_unregister_all(struct actor *actor)
{
	raceless_unregister_all(actor->providers, actor->nr);
	return 0;
}

long act_unload_many(struct actor *actor)
{
	return device_unload_many(actor->file, actor->entries, actor->nr,
				  actor->flags, actor->timeout);
}

long act_unload(struct actor *actor)
{
	return device_unload(actor->file, actor->subject->provider.name,
			     actor->flags, actor->timeout);
}
