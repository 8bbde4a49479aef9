/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What holders.bpf.c tells of a module: who holds references on it, who runs in
 * it, and the gets and puts that it sees.
 */
#ifndef RACELESS_BPF_HOLDERS_H
#define RACELESS_BPF_HOLDERS_H

#include "counters.h"
#include "types.h"

/* What has the reference. Each is one, unless `references` says otherwise. */
enum raceless_holder_kind {
	/* an open file: its operations */
	RACELESS_HOLDER_OPERATIONS,
	/* the character device that it opened */
	RACELESS_HOLDER_DEVICE,
	/* the driver of the disk that it opened */
	RACELESS_HOLDER_DISK,
	/* the operations behind debugfs's own */
	RACELESS_HOLDER_DEBUGFS,
	/* the file system that it is about to mount (fsopen) */
	RACELESS_HOLDER_CONTEXT,
	/* a terminal: its driver; its line discipline */
	RACELESS_HOLDER_TERMINAL,
	RACELESS_HOLDER_DISCIPLINE,
	/* a socket: its operations; its protocol; and what it chose */
	RACELESS_HOLDER_SOCKET,
	RACELESS_HOLDER_PROTOCOL,
	RACELESS_HOLDER_CONGESTION,
	RACELESS_HOLDER_LAYER,
	RACELESS_HOLDER_ALGORITHM_TYPE,
	RACELESS_HOLDER_ALGORITHM,
	/* BPF: a link, to what it is attached; a program, what it calls */
	RACELESS_HOLDER_LINK,
	RACELESS_HOLDER_PROGRAM,
	/* a mounted file system: its type; the driver of its disk */
	RACELESS_HOLDER_MOUNT,
	RACELESS_HOLDER_MOUNTED_DISK,
	/* the driver of a disk to which is swapped */
	RACELESS_HOLDER_SWAP,
	/* the default congestion control of a network namespace */
	RACELESS_HOLDER_NETWORK,
	/* no reference: a use of a file system, which keeps it mounted */
	RACELESS_HOLDER_USE,
	RACELESS_HOLDER_KINDS,
};

/* Instead of a descriptor's number. */
#define RACELESS_HOLDER_MAPPED	-1
#define RACELESS_HOLDER_CURRENT -2 /* folder */
#define RACELESS_HOLDER_ROOT	-3 /* folder */
#define RACELESS_HOLDER_NOBODY	-4

#define RACELESS_HOLDER_NAME_SIZE 32

/*
 * `object` is what has the reference: with the kind it is the reference's
 * identity, however often it is met. `thing` is what the user knows it as: the
 * file or the file system.
 */
struct raceless_holder {
	__u32 kind; /* enum raceless_holder_kind */
	__u32 references;
	__u64 object;
	__u64 thing;
	__u64 place; /* of what is mapped: its address */
	__u32 pid;
	__s32 fd;
	__u32 number; /* address family, or device: as the kernel has it */
	__u32 active; /* of a mounted file system: it is not going */
	char comm[RACELESS_COMM_SIZE];
	char name[RACELESS_HOLDER_NAME_SIZE];
};

RACELESS_ASSERT_SIZE(struct raceless_holder, 96);

/* A task that has a function of the module on its kernel stack. */
struct raceless_runner {
	__u32 pid;
	__u32 tid;
	char comm[RACELESS_COMM_SIZE];
	__u64 stack[RACELESS_STACK_DEPTH]; /* innermost first; then 0 */
};

RACELESS_ASSERT_SIZE(struct raceless_runner, 24 + 8 * RACELESS_STACK_DEPTH);

/* A put has no stack, and is that much shorter. */
struct raceless_module_use {
	__u64 time_ns;
	__u64 ip; /* who called */
	__u32 pid;
	__u32 tid;
	__u32 is_put;
	__u32 pad;
	char comm[RACELESS_COMM_SIZE];
	__u64 stack[RACELESS_STACK_DEPTH];
};

#define RACELESS_MODULE_PUT_SIZE                                               \
	__builtin_offsetof(struct raceless_module_use, stack)

RACELESS_ASSERT_SIZE(struct raceless_module_use, 48 + 8 * RACELESS_STACK_DEPTH);

#endif /* RACELESS_BPF_HOLDERS_H */
