/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * /dev/raceless_policies: one resource under each of several lifecycle policies,
 * to be compared. Reading it lists them, one name a line. Writing one of the names
 * makes the descriptor that policy's, for good; any other is ENOENT, and the kernel
 * log lists the valid ones. No ABI: it changes with what is compared.
 */
#ifndef _UAPI_RACELESS_POLICIES_H
#define _UAPI_RACELESS_POLICIES_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define RACELESS_POLICIES_DEVICE "/dev/raceless_policies"
#define RACELESS_POLICY_NAME_SIZE 32
#define RACELESS_POLICY_MAX_CALLS 1024
#define RACELESS_POLICY_MAX_HOLD_NS 1000000000ULL

/* The provider of the policy that is the registry. */
#define RACELESS_POLICY_PROVIDER "policy"

/**
 * struct raceless_policy_use - what a consumer does: get the resource, which
 *	loads it if need be, use it, keep it for a while, put it.
 * @size: of this structure.
 * @calls: how often to use it.
 * @hold_ns: how long to keep it.
 * @get_ns: out, also on failure: how long it took to get it, or not.
 *
 * Return: 0; ENODEV (it was not to be had), ETIMEDOUT, EINTR, EUCLEAN (what was
 * got had been destroyed: no policy may let that happen).
 */
struct raceless_policy_use {
	__u32 size;
	__u32 calls;
	__u64 hold_ns;
	__u64 get_ns;
};

/**
 * struct raceless_policy_counts - of one policy, since its module was loaded.
 * @size: of this structure.
 * @reserved: zero.
 * @instances: loads.
 * @revivals: stopped, and started again.
 * @lost_races: uses that failed because the resource was going, or had gone
 *	again.
 * @contended: how often the policy's global lock was found taken.
 * @contended_ns: time spent waiting for it.
 * @broken: uses of what had been destroyed, and destroys of what was in use.
 */
struct raceless_policy_counts {
	__u32 size;
	__u32 reserved;
	__u64 instances;
	__u64 revivals;
	__u64 lost_races;
	__u64 contended;
	__u64 contended_ns;
	__u64 broken;
};

#define RACELESS_POLICY_IOC_USE _IOWR('r', 0xf9, struct raceless_policy_use)
#define RACELESS_POLICY_IOC_COUNTS _IOR('r', 0xfa, struct raceless_policy_counts)
/* 0; EEXIST (is loaded), EBUSY (is going), ENOMEM, ETIMEDOUT, EINTR. */
#define RACELESS_POLICY_IOC_LOAD _IO('r', 0xfb)
/* 0; ENOENT (is not there, not yet or not any more), EBUSY or EAGAIN (in use). */
#define RACELESS_POLICY_IOC_UNLOAD _IO('r', 0xfc)

#endif /* _UAPI_RACELESS_POLICIES_H */
