/* SPDX-License-Identifier: GPL-2.0 */
/* What differs between the kernels that we build for, and since when. */
#ifndef _RACELESS_COMPAT_H
#define _RACELESS_COMPAT_H

#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/ftrace.h>
#include <linux/mm.h>
#include <linux/version.h>

/* v6.10, 2c92ca849fcc: __assign_str() found its source by itself. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define raceless_assign_str(dst, src) __assign_str(dst)
#else
#define raceless_assign_str(dst, src) __assign_str(dst, src)
#endif

/* v6.5, 9b9879fc0327: one load of a file at a time, whose result all have. */
#define raceless_loads_are_shared \
	(LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0))

/* v6.3, 57e7c169cd6a: a tag that keeps what only BPF calls. */
#ifdef __bpf_kfunc
#define raceless_kfunc __bpf_kfunc
#else
#define raceless_kfunc __used
#endif

/* v6.9, a05e90427ef6: a set of ids that says that they are of kfuncs. */
#ifdef BTF_KFUNCS_START
#define RACELESS_KFUNCS_START(name) BTF_KFUNCS_START(name)
#define RACELESS_KFUNCS_END(name) BTF_KFUNCS_END(name)
#else
#define RACELESS_KFUNCS_START(name) BTF_SET8_START(name)
#define RACELESS_KFUNCS_END(name) BTF_SET8_END(name)
#endif

/* v6.17, 930c2ea566af: a queue says that it is per CPU; from 7.2 on it has to. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
#define RACELESS_WQ_PERCPU WQ_PERCPU
#else
#define RACELESS_WQ_PERCPU 0
#endif

#ifdef CONFIG_DYNAMIC_FTRACE_WITH_ARGS
/* v6.2, 94d095ffa0e1: the arguments of a traced function, by a name for all. */
#ifdef ftrace_regs_get_argument
#define raceless_ftrace_argument(fregs, n) \
	((void *)ftrace_regs_get_argument(fregs, n))
#else
#define raceless_ftrace_argument(fregs, n) \
	((void *)regs_get_kernel_argument(&(fregs)->regs, n))
#endif
#endif

/*
 * Does a struct module live here, rather than the kernel's own static data?
 * Modules are in a range of their own or in vmalloc space, by architecture.
 */
static inline bool raceless_in_module_memory(const void *address)
{
#ifdef MODULES_VADDR
	if ((unsigned long)address >= MODULES_VADDR &&
	    (unsigned long)address < MODULES_END)
		return true;
#endif
	return is_vmalloc_addr(address);
}

#endif /* _RACELESS_COMPAT_H */
