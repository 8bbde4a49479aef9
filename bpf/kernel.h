/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel as the programs see it. vmlinux.h comes from the oldest guest
 * kernel (never from the host's); CO-RE carries the objects to the others.
 */
#ifndef RACELESS_BPF_KERNEL_H
#define RACELESS_BPF_KERNEL_H

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "types.h"

#include "../module/uapi/histogram.h"

/* Macros of the kernel, which BTF does not carry. */
#define EPERM	    1
#define ENOENT	    2
#define EINTR	    4
#define EBUSY	    16
#define EINVAL	    22
#define ERESTARTSYS 512

#endif /* RACELESS_BPF_KERNEL_H */
