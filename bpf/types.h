/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the shared headers of this folder need: fixed-width types, names, and an
 * assertion of sizes that BPF C and C++ both check, so that neither can drift.
 */
#ifndef RACELESS_BPF_TYPES_H
#define RACELESS_BPF_TYPES_H

#ifdef __VMLINUX_H__
/* vmlinux.h has these types already, and the kernel's headers clash with it. */
#define _LINUX_TYPES_H
#define _LINUX_IOCTL_H
#else
#include <linux/types.h>
#endif

#include "../module/uapi/raceless.h"

#ifdef __cplusplus
#define RACELESS_ASSERT_SIZE(type, bytes) \
	static_assert(sizeof(type) == (bytes), #type)
#else
#define RACELESS_ASSERT_SIZE(type, bytes) \
	_Static_assert(sizeof(type) == (bytes), #type)
#endif

/* MODULE_NAME_LEN on 64 bits: 64 - sizeof(unsigned long). */
#define RACELESS_MODULE_NAME_SIZE 56

#define RACELESS_COMM_SIZE 16

#endif /* RACELESS_BPF_TYPES_H */
