/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who has a reference on the module that is asked about, by the kernel's rules:
 * the comments name the functions between which a thing has one.
 */
#ifndef RACELESS_BPF_HOLDER_RULES_H
#define RACELESS_BPF_HOLDER_RULES_H

#include "kernel.h"

#include "holders.h"

/* Macros of the kernel. */
#define S_IFMT	      0170000
#define S_IFSOCK      0140000
#define S_IFBLK	      0060000
#define S_IFCHR	      0020000
#define FMODE_PATH    0x4000
#define AF_INET	      2
#define AF_INET6      10
#define AF_ALG	      38
#define DEBUGFS_MAGIC 0x64626720
#define SOCKFS_MAGIC  0x534f434b

/* A program has one of each module that it calls: more are not looked at. */
#define MOST_KFUNC_MODULES 16

#define NAME_WORDS (RACELESS_MODULE_NAME_SIZE / 8)

/* The module's name; what follows its NUL is 0. */
const volatile __u64 target[NAME_WORDS];

/* Where it is, by find_module; 0 if it is not there. */
__u64 module_address;
__u64 text_begin;
__u64 text_end;
__u64 init_begin; /* until the init has returned */
__u64 init_end;
__u64 tracepoints_begin;
__u64 tracepoints_end;

/* By find_symbols; NULL in a kernel that does not list data among its symbols.
 */
const void *modules;
const void *super_blocks;
const void *swap_info;
const void *tty_fops;
const void *fscontext_fops;
const void *bpf_link_fops;
const void *bpf_link_fops_poll; /* from 6.12 on */
const void *bpf_prog_fops;

/* Those of modules. */
struct af_alg_type {
	struct module *owner;
	char name[14];
} __attribute__((preserve_access_index));

struct alg_sock {
	struct sock *parent;
	const struct af_alg_type *type;
	const void *private;
} __attribute__((preserve_access_index));

/* One branch for all words: the verifier walks through this from many places.
 */
static __always_inline bool is_target(const struct module *module)
{
	__u64 name[NAME_WORDS] = {};
	__u64 different = 0;
	int i;

	if (!module)
		return false;
	bpf_probe_read_kernel_str(name, sizeof(name), module->name);
	for (i = 0; i < NAME_WORDS; i++)
		different |= name[i] ^ target[i];
	return !different;
}

/* A record to be filled in, and where it goes to. */
struct report {
	struct seq_file *seq;
	struct raceless_holder holder;
};

/* If @owner is the module that is asked about: @object has a reference on it.
 */
static __noinline void tell(struct report *report, __u32 kind,
			    const void *object, const struct module *owner)
{
	if (!is_target(owner))
		return;
	report->holder.kind = kind;
	report->holder.references = 1;
	report->holder.object = (__u64)object;
	bpf_seq_write(report->seq, &report->holder, sizeof(report->holder));
}

static __always_inline void name_it(struct report *report, const void *name)
{
	__builtin_memset(report->holder.name, 0, sizeof(report->holder.name));
	bpf_probe_read_kernel_str(report->holder.name,
				  sizeof(report->holder.name), name);
}

/*
 * crypto_create_tfm() to crypto_destroy_tfm(); an asynchronous hash that is a
 * synchronous one inside has both.
 */
static __noinline void tell_algorithm(struct report *report,
				      const struct crypto_tfm *tfm,
				      bool is_hash)
{
	struct crypto_alg *algorithm = BPF_CORE_READ(tfm, __crt_alg);
	struct crypto_shash *inner = NULL;

	name_it(report, &algorithm->cra_driver_name);
	tell(report, RACELESS_HOLDER_ALGORITHM, tfm,
	     BPF_CORE_READ(algorithm, cra_module));
	if (!is_hash)
		return;
	bpf_probe_read_kernel(&inner, sizeof(inner), &tfm->__crt_ctx);
	if (inner && BPF_CORE_READ(inner, base.__crt_alg) == algorithm)
		tell(report, RACELESS_HOLDER_ALGORITHM, inner,
		     BPF_CORE_READ(algorithm, cra_module));
}

/* alg_bind() to alg_do_release(); what accept() makes has none of its own. */
static __noinline void tell_alg(struct report *report,
				const struct alg_sock *sock)
{
	const struct af_alg_type *type;
	char name[14] = {};
	const void *private;

	if (!bpf_core_type_exists(struct alg_sock))
		return;
	if (BPF_CORE_READ(sock, parent))
		return;
	type = BPF_CORE_READ(sock, type);
	private = BPF_CORE_READ(sock, private);
	if (!type)
		return;
	bpf_probe_read_kernel_str(name, sizeof(name), &type->name);
	name_it(report, name);
	tell(report, RACELESS_HOLDER_ALGORITHM_TYPE, sock,
	     BPF_CORE_READ(type, owner));
	if (!private)
		return;
	/* a kernel that was built without a kind may not have its type */
	if (!bpf_strncmp(name, sizeof(name), "hash") &&
	    bpf_core_type_exists(struct crypto_ahash))
		tell_algorithm(report, &((struct crypto_ahash *)private)->base,
			       true);
	else if (!bpf_strncmp(name, sizeof(name), "skcipher") &&
		 bpf_core_type_exists(struct crypto_skcipher))
		tell_algorithm(report,
			       &((struct crypto_skcipher *)private)->base,
			       false);
}

/* tcp_init_sock() and setsockopt(), to tcp_v4_destroy_sock(). */
static __noinline void tell_tcp(struct report *report, const struct sock *sock)
{
	const struct inet_connection_sock *connection = (const void *)sock;
	const struct tcp_congestion_ops *congestion =
		BPF_CORE_READ(connection, icsk_ca_ops);
	const struct tcp_ulp_ops *layer =
		BPF_CORE_READ(connection, icsk_ulp_ops);

	if (congestion) {
		name_it(report, &congestion->name);
		tell(report, RACELESS_HOLDER_CONGESTION, sock,
		     BPF_CORE_READ(congestion, owner));
	}
	if (layer) {
		name_it(report, &layer->name);
		tell(report, RACELESS_HOLDER_LAYER, sock,
		     BPF_CORE_READ(layer, owner));
	}
}

/* sk_prot_alloc() to sk_prot_free(): sk_prot itself may be another one by now.
 */
static __noinline void tell_sock(struct report *report, const struct sock *sock)
{
	const struct proto *protocol = BPF_CORE_READ(sock, sk_prot_creator);
	__u16 family = BPF_CORE_READ(sock, __sk_common.skc_family);

	report->holder.number = family;
	name_it(report, &protocol->name);
	tell(report, RACELESS_HOLDER_PROTOCOL, sock,
	     BPF_CORE_READ(protocol, owner));
	if ((family == AF_INET || family == AF_INET6) &&
	    BPF_CORE_READ(sock, sk_type) == SOCK_STREAM &&
	    BPF_CORE_READ(sock, sk_protocol) == IPPROTO_TCP)
		tell_tcp(report, sock);
	if (family == AF_ALG)
		tell_alg(report, (const void *)sock);
}

/* __sock_create() or accept(), to __sock_release(). */
static __noinline void tell_socket(struct report *report,
				   const struct socket *socket)
{
	const struct sock *sock = BPF_CORE_READ(socket, sk);
	const struct alg_sock *alg = (const void *)sock;
	const struct sock *parent = NULL;

	report->holder.number = BPF_CORE_READ(sock, __sk_common.skc_family);
	name_it(report, &BPF_CORE_READ(sock, sk_prot_creator)->name);
	tell(report, RACELESS_HOLDER_SOCKET, socket,
	     BPF_CORE_READ(socket, ops, owner));
	if (!sock)
		return;
	tell_sock(report, sock);
	/* The one that it was accepted from outlives its own socket. */
	if (report->holder.number == AF_ALG &&
	    bpf_core_type_exists(struct alg_sock))
		parent = BPF_CORE_READ(alg, parent);
	if (parent)
		tell_sock(report, parent);
}

/* tty_init_dev() to release_tty(), and tty_ldisc_get() to tty_ldisc_put(). */
static __noinline void tell_terminal(struct report *report,
				     const struct tty_file_private *private)
{
	const struct tty_struct *tty = BPF_CORE_READ(private, tty);
	const struct tty_ldisc *discipline = BPF_CORE_READ(tty, ldisc);

	name_it(report, &tty->name);
	tell(report, RACELESS_HOLDER_TERMINAL, tty,
	     BPF_CORE_READ(tty, driver, owner));
	tell(report, RACELESS_HOLDER_DISCIPLINE, discipline,
	     BPF_CORE_READ(discipline, ops, owner));
}

/*
 * chrdev_open() to __fput(): the device and, as for all files, the operations.
 * Some devices are sockets as well (tun).
 */
static __noinline void tell_device(struct report *report,
				   const struct file *file)
{
	const void *operations = BPF_CORE_READ(file, f_op);
	struct cdev *device = BPF_CORE_READ(file, f_inode, i_cdev);
	const void *private = BPF_CORE_READ(file, private_data);

	tell(report, RACELESS_HOLDER_DEVICE, file,
	     BPF_CORE_READ(device, owner));
	if (!private)
		return;
	if (operations && operations == tty_fops) {
		tell_terminal(report, private);
	} else if (is_target(BPF_CORE_READ(file, f_op, owner))) {
		const struct sock *sock = private;
		const struct proto *protocol =
			BPF_CORE_READ(sock, sk_prot_creator);

		name_it(report, &protocol->name);
		tell(report, RACELESS_HOLDER_PROTOCOL, sock,
		     BPF_CORE_READ(protocol, owner));
	}
}

/* blkdev_get_by_dev(), bdev_open() from 6.9, to the file's end. */
static __noinline void tell_disk(struct report *report, const struct file *file)
{
	const void *inode = BPF_CORE_READ(file, f_mapping, host);
	const struct block_device *device =
		inode - bpf_core_field_offset(struct bdev_inode, vfs_inode) +
		bpf_core_field_offset(struct bdev_inode, bdev);
	const struct gendisk *disk = BPF_CORE_READ(device, bd_disk);

	report->holder.number = BPF_CORE_READ(device, bd_dev);
	name_it(report, &disk->disk_name);
	tell(report, RACELESS_HOLDER_DISK, file,
	     BPF_CORE_READ(disk, fops, owner));
}

/*
 * full_proxy_open() to full_proxy_release(); else the operations have replaced
 * debugfs's.
 */
static __noinline void tell_debugfs(struct report *report,
				    const struct file *file)
{
	const struct debugfs_fsdata *data =
		BPF_CORE_READ(file, f_path.dentry, d_fsdata);

	if (!bpf_core_type_exists(struct debugfs_fsdata))
		return;
	/* The lowest bit: not opened yet, and no pointer to such data. */
	if (!data || (__u64)data & 1 || BPF_CORE_READ(file, f_op, owner))
		return;
	tell(report, RACELESS_HOLDER_DEBUGFS, file,
	     BPF_CORE_READ(data, real_fops, owner));
}

/* Those of kernels after 6.1. */
struct bpf_prog_aux___6_3 {
	struct module *mod;
} __attribute__((preserve_access_index));

struct bpf_trampoline___6_1 {
	struct module *mod;
} __attribute__((preserve_access_index));

/*
 * bpf_check_attach_target(), since 6.3, and the kfuncs that it calls, to the
 * program's end.
 */
static __noinline void tell_program(struct report *report,
				    const struct bpf_prog *program)
{
	const struct bpf_prog_aux *aux = BPF_CORE_READ(program, aux);
	const struct bpf_prog_aux___6_3 *newer = (const void *)aux;
	const struct bpf_kfunc_btf_tab *kfuncs =
		BPF_CORE_READ(aux, kfunc_btf_tab);
	__u32 i;

	report->holder.thing = (__u64)program;
	name_it(report, &aux->name);
	if (bpf_core_field_exists(newer->mod))
		tell(report, RACELESS_HOLDER_PROGRAM, aux,
		     BPF_CORE_READ(newer, mod));
	if (!kfuncs)
		return;
	for (i = 0; i < MOST_KFUNC_MODULES; i++) {
		if (i >= BPF_CORE_READ(kfuncs, nr_descs))
			break;
		tell(report, RACELESS_HOLDER_PROGRAM, &kfuncs->descs[i],
		     BPF_CORE_READ(kfuncs, descs[i].module));
	}
}

/*
 * bpf_get_raw_tracepoint() to bpf_put_raw_tracepoint(); before 6.3 a trampoline
 * had what its programs have now.
 */
static __noinline void tell_link(struct report *report,
				 const struct bpf_link *link)
{
	const struct bpf_raw_tp_link *traced = (const void *)link;
	const struct bpf_tracing_link *tracing = (const void *)link;
	const struct bpf_trampoline *trampoline;
	const struct bpf_trampoline___6_1 *older;
	__u64 tracepoint;

	report->holder.thing = (__u64)link;
	name_it(report, &BPF_CORE_READ(link, prog, aux)->name);
	switch (BPF_CORE_READ(link, type)) {
	case BPF_LINK_TYPE_RAW_TRACEPOINT:
		tracepoint = (__u64)BPF_CORE_READ(traced, btp);
		if (tracepoint >= tracepoints_begin &&
		    tracepoint < tracepoints_end)
			tell(report, RACELESS_HOLDER_LINK, link,
			     (const struct module *)module_address);
		break;
	case BPF_LINK_TYPE_TRACING:
		trampoline = BPF_CORE_READ(tracing, trampoline);
		older = (const void *)trampoline;
		if (bpf_core_field_exists(older->mod))
			tell(report, RACELESS_HOLDER_LINK, trampoline,
			     BPF_CORE_READ(older, mod));
		break;
	default:
		break;
	}
}

/* What is used keeps it mounted, and so its type and the driver of its disk. */
static __noinline void tell_use(struct report *report, const void *used,
				const struct super_block *mounted)
{
	report->holder.thing = (__u64)mounted;
	tell(report, RACELESS_HOLDER_USE, used,
	     BPF_CORE_READ(mounted, s_type, owner));
	tell(report, RACELESS_HOLDER_USE, used,
	     BPF_CORE_READ(mounted, s_bdev, bd_disk, fops, owner));
}

/*
 * do_dentry_open() to __fput(), for each struct file: those who share it have
 * it once.
 */
static __noinline void tell_file(struct report *report, const struct file *file)
{
	const struct inode *inode = BPF_CORE_READ(file, f_inode);
	const struct super_block *mounted = BPF_CORE_READ(inode, i_sb);
	__u32 type = BPF_CORE_READ(inode, i_mode) & S_IFMT;
	const void *operations = BPF_CORE_READ(file, f_op);
	__u64 magic = BPF_CORE_READ(mounted, s_magic);

	tell_use(report, file, mounted);
	report->holder.thing = (__u64)file;
	/* Opened as a path alone it has nothing but that. */
	if (BPF_CORE_READ(file, f_mode) & FMODE_PATH)
		return;
	tell(report, RACELESS_HOLDER_OPERATIONS, file,
	     BPF_CORE_READ(file, f_op, owner));
	if (type == S_IFCHR) {
		report->holder.number = BPF_CORE_READ(inode, i_rdev);
		tell_device(report, file);
	} else if (type == S_IFBLK) {
		tell_disk(report, file);
	} else if (magic == SOCKFS_MAGIC) {
		tell_socket(report, BPF_CORE_READ(file, private_data));
	} else if (magic == DEBUGFS_MAGIC) {
		tell_debugfs(report, file);
	} else if (!operations) {
		return;
	} else if (operations == bpf_link_fops ||
		   operations == bpf_link_fops_poll) {
		tell_link(report, BPF_CORE_READ(file, private_data));
	} else if (operations == bpf_prog_fops) {
		tell_program(report, BPF_CORE_READ(file, private_data));
	} else if (operations == fscontext_fops) {
		const struct fs_context *context =
			BPF_CORE_READ(file, private_data);
		const struct file_system_type *fs =
			BPF_CORE_READ(context, fs_type);

		name_it(report, BPF_CORE_READ(fs, name));
		tell(report, RACELESS_HOLDER_CONTEXT, context,
		     BPF_CORE_READ(fs, owner));
	}
}

#endif /* RACELESS_BPF_HOLDER_RULES_H */
