/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One struct for each mechanism that hands out references, and one for each thing
 * that an unload waits for, as refscale has it: what is timed is the body of one
 * function, the rest is the same for all.
 */
#ifndef _RACELESS_BENCH_H
#define _RACELESS_BENCH_H

#include <linux/types.h>

/**
 * struct mechanism - one way to take and drop a reference.
 * @name: as user space asks for it.
 * @start: optional; before the threads. Return: 0 or -errno.
 * @stop: optional; after them, if start succeeded.
 * @pairs: takes and drops @loops references. Runs in a thread bound to its CPU.
 *	Return: how many it could not take (0 is expected).
 */
struct mechanism {
	const char *name;
	int (*start)(unsigned int population);
	void (*stop)(void);
	unsigned long (*pairs)(unsigned long loops);
};

/**
 * struct slow - something that is waited for.
 * @name: as user space asks for it.
 * @prepare: optional; not timed. Return: 0 or -errno.
 * @wait: what is waited for. Return: how many ns it took, or 0: it failed.
 * @finish: optional; not timed.
 */
struct slow {
	const char *name;
	int (*prepare)(unsigned int batch);
	u64 (*wait)(unsigned int batch);
	void (*finish)(unsigned int batch);
};

/* Each ends with one that has no name. */
extern const struct mechanism count_mechanisms[], lookup_mechanisms[];
extern const struct slow slow_waits[], crowd_waits[];

long bench_run(const struct mechanism *mechanism, unsigned int threads,
	       unsigned long loops, unsigned int population, u64 *ns);

/*
 * Providers under names of their own, for lookups and unloads: one set, which is
 * there until somebody removes it.
 */
#define BENCH_NAME_SIZE 24

int names_want(unsigned int nr);
u64 names_remove(void);
void names_exit(void);
const char *names_text(unsigned int i);

/* The fast path alone: check/shape looks at its instructions. */
struct raceless_provider;
struct raceless_slot;

struct raceless_provider *shape_tryget(struct raceless_slot *slot);
void shape_put(struct raceless_provider *provider);

#endif /* _RACELESS_BENCH_H */
