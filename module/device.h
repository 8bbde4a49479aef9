/* SPDX-License-Identifier: GPL-2.0 */
/* /dev/raceless, and what one descriptor of it owns. */
#ifndef _RACELESS_DEVICE_H
#define _RACELESS_DEVICE_H

#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "raceless.h"

struct raceless_user;

/**
 * struct raceless_file - a descriptor of /dev/raceless.
 * @user: who opened it, and is charged.
 * @references: struct raceless_reference by number.
 * @holds: struct raceless_hold.
 * @holds_mutex: protects @holds and @nr_holds.
 * @nr_holds: how many there are.
 * @purge: frees holds that ended by themselves.
 * @node: all descriptors.
 * @opener: the process that opened it, and
 * @comm: its name then.
 *
 * The release of the descriptor comes after the last ioctl: only @purge rivals it.
 */
struct raceless_file {
	struct raceless_user *user;
	struct xarray references;
	struct list_head holds;
	struct mutex holds_mutex; /* protects holds and nr_holds */
	unsigned int nr_holds;
	struct work_struct purge;
	struct list_head node;
	struct pid *opener;
	char comm[TASK_COMM_LEN];
};

int raceless_device_init(void);
void raceless_device_exit(void);

int raceless_timeout(u64 timeout_ns, unsigned long *timeout);

#endif /* _RACELESS_DEVICE_H */
