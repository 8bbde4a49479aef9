// SPDX-License-Identifier: GPL-2.0
/*
 * What the gate's BPF programs call. They hold a reference on us for as long as
 * they are loaded. Names come in arrays of RACELESS_GATE_NAME_SIZE bytes.
 */
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/preempt.h>
#include <linux/string.h>

#include "compat.h"
#include "gate.h"

static void copy_name(char to[RACELESS_GATE_NAME_SIZE],
		      const struct raceless_gate_name *from)
{
	strscpy(to, from->text, RACELESS_GATE_NAME_SIZE);
}

/*
 * Locks and kmalloc() sleep on PREEMPT_RT. A program that calls us where that is
 * forbidden is a bug of ours; nothing is done for it, and the call fails open.
 */
static bool may_lock(void)
{
	return !IS_ENABLED(CONFIG_PREEMPT_RT) || !WARN_ON_ONCE(!preemptible());
}

/* Current asks for a module. Return: 1 if the end of its call is wanted. */
raceless_kfunc int raceless_gate_request(void)
{
	return may_lock() ? raceless_gate_call_request() : 0;
}

/* Current's call fails. Return: 1 if it will be restarted. */
raceless_kfunc int
raceless_gate_hold(const struct raceless_gate_evidence *evidence)
{
	struct raceless_gate_evidence copy = *evidence;

	copy.module[sizeof(copy.module) - 1] = '\0';
	return may_lock() ? raceless_gate_call_hold(&copy) : 0;
}

/*
 * Current's call, one that asked or was held, returns to its user. Return: how
 * many calls of current are known still.
 */
raceless_kfunc int raceless_gate_end(long error)
{
	return may_lock() ? raceless_gate_call_end(error) : 0;
}

/* Current is about to delete that module. */
raceless_kfunc void
raceless_gate_delete(const struct raceless_gate_name *module, int compat)
{
	char name[RACELESS_GATE_NAME_SIZE];

	copy_name(name, module);
	if (may_lock())
		raceless_gate_deleter_wait(name, compat);
}

/* Context: any. Is that module being deleted? An empty name: is any? */
raceless_kfunc int raceless_gate_dying(const struct raceless_gate_name *module)
{
	char name[RACELESS_GATE_NAME_SIZE];

	copy_name(name, module);
	return name[0] ? raceless_gate_module_dying(name) :
			 raceless_gate_any_dying();
}

/* Has current a file open of a module that is being deleted? */
raceless_kfunc int raceless_gate_has_files(void)
{
	return may_lock() && raceless_gate_has_files_of_dying("");
}

/*
 * Context: any. Is one of these return addresses in a module of that name that is
 * being deleted, or in any if the name is empty?
 */
raceless_kfunc int
raceless_gate_within(const struct raceless_gate_name *module,
		     const struct raceless_gate_frames *frames)
{
	char name[RACELESS_GATE_NAME_SIZE];

	copy_name(name, module);
	return raceless_gate_dying_within(name, frames);
}

/* A module has left the list, so that those who wait for that need not doze on. */
raceless_kfunc void raceless_gate_freed(void)
{
	if (may_lock())
		raceless_gate_module_freed();
}

/*
 * Context: any. May a program make something here? Not where preemption is off on
 * PREEMPT_RT: until 6.4 the storage of a task came from kmalloc().
 */
raceless_kfunc int raceless_gate_may_allocate(void)
{
	return !IS_ENABLED(CONFIG_PREEMPT_RT) || preemptible();
}

/* Context: any. Something went through: enum raceless_gate_open. */
raceless_kfunc void raceless_gate_opened(unsigned int open)
{
	raceless_gate_count_open(open);
}

RACELESS_KFUNCS_START(gate_ids)
BTF_ID_FLAGS(func, raceless_gate_request)
BTF_ID_FLAGS(func, raceless_gate_hold)
BTF_ID_FLAGS(func, raceless_gate_end)
BTF_ID_FLAGS(func, raceless_gate_delete)
BTF_ID_FLAGS(func, raceless_gate_dying)
BTF_ID_FLAGS(func, raceless_gate_has_files)
BTF_ID_FLAGS(func, raceless_gate_within)
BTF_ID_FLAGS(func, raceless_gate_freed)
BTF_ID_FLAGS(func, raceless_gate_may_allocate)
BTF_ID_FLAGS(func, raceless_gate_opened)
RACELESS_KFUNCS_END(gate_ids)

static const struct btf_kfunc_id_set gate_kfuncs = {
	.owner = THIS_MODULE,
	.set = &gate_ids,
};

int raceless_gate_kfuncs_init(void)
{
	return register_btf_kfunc_id_set(BPF_PROG_TYPE_TRACING, &gate_kfuncs);
}
