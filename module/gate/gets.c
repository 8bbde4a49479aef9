// SPDX-License-Identifier: GPL-2.0
/*
 * Gets: try_module_get() is about to fail, as the module is being deleted.
 *
 * Everybody who opens a file or makes a socket gets modules, and nearly all of
 * them succeed; a BPF program at each get's end costs 200 instructions. So a
 * function of ours looks at each get's begin, for a third of that, and calls
 * what BPF is attached to for those that cannot succeed: a module that goes is
 * not live again. A get that begins before that and ends after it is not seen
 * here; bpf/gate.bpf.c tells what becomes of its call.
 */
#include <linux/ftrace.h>

#include "compat.h"
#include "gate.h"

/*
 * Context: any in which modules are got, interrupts among them. Here for BPF,
 * which finds it by its name.
 */
noinline void raceless_gate_get_fails(struct module *module)
{
	barrier(); /* or its calls would be left out */
}

#ifdef CONFIG_DYNAMIC_FTRACE_WITH_ARGS

/* Whoever got here holds the module's memory: by the rules of try_module_get(). */
static void notrace on_get(unsigned long ip, unsigned long caller,
			   struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	struct module *module = raceless_ftrace_argument(fregs, 0);

	if (module &&
	    unlikely(READ_ONCE(module->state) == MODULE_STATE_GOING ||
		     !atomic_read(&module->refcnt)))
		raceless_gate_get_fails(module);
}

/*
 * Without a flag for recursion: nothing that is called here gets a module, and
 * BPF lets no program run within itself. Permanent: kernel.ftrace_enabled = 0
 * is refused while the gate is on, and does not silently blind it.
 */
static struct ftrace_ops gets = {
	.func = on_get,
	.flags = FTRACE_OPS_FL_PERMANENT,
};

static bool watched;

/* What ftrace has allocated for it goes with it. */
static void forget_address(void)
{
	(void)ftrace_set_filter_ip(&gets, (unsigned long)try_module_get, 1, 0);
}

/* May sleep; not concurrently with itself or the next. Return: 0 or an errno. */
int raceless_gate_gets_watch(void)
{
	int err;

	if (watched)
		return 0;
	err = ftrace_set_filter_ip(&gets, (unsigned long)try_module_get, 0, 1);
	if (err)
		return err;
	err = register_ftrace_function(&gets);
	if (err) {
		forget_address();
		return err;
	}
	watched = true;
	return 0;
}

/* May sleep, until nobody runs in on_get() any more. */
void raceless_gate_gets_ignore(void)
{
	if (!watched)
		return;
	WARN_ON(unregister_ftrace_function(&gets));
	forget_address();
	watched = false;
}

#else /* !CONFIG_DYNAMIC_FTRACE_WITH_ARGS */

int raceless_gate_gets_watch(void)
{
	return -EOPNOTSUPP;
}

void raceless_gate_gets_ignore(void)
{
}

#endif /* CONFIG_DYNAMIC_FTRACE_WITH_ARGS */
