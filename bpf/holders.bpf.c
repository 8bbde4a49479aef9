// SPDX-License-Identifier: GPL-2.0
/*
 * Who holds references on one module, without raceless.ko: iterators that look at
 * every task's files, mappings and stack, a program that walks the mounted file
 * systems, and, while somebody records, every get and put of the module.
 *
 * The kernel counts references and does not say whose they are. What is known
 * here is where it takes one and where it drops it (the comments name the
 * functions), so that what has one can be told by looking at the things that do.
 *
 * The lists are walked without their locks, by reads that cannot fault. What
 * changes meanwhile may be missed or be told although it has just gone.
 */
#include "kernel.h"

#include "holders.h"

char LICENSE[] SEC("license") = "GPL";

/* Macros of the kernel. */
#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define S_IFBLK 0060000
#define S_IFCHR 0020000
#define FMODE_PATH 0x4000
#define AF_INET 2
#define AF_INET6 10
#define AF_ALG 38
#define DEBUGFS_MAGIC 0x64626720
#define SOCKFS_MAGIC 0x534f434b
#define SWP_USED 1

/* More of these than a machine has; the walk of a list that changes must end. */
#define MOST_MODULES 4096
#define MOST_MOUNTS 65536
#define MOST_SWAPS 32

#define NAME_WORDS (RACELESS_MODULE_NAME_SIZE / 8)

/* The module's name; what follows its NUL is 0. */
const volatile __u64 target[NAME_WORDS];

/* Where it is, by find_module; 0 if it is not there. */
__u64 module_address;
__u64 text_begin;
__u64 text_end;

/* The walks ended at their list's end. */
__u32 mounts_complete;

/* A runner, whose stack has no room on ours. The iterator has one reader. */
struct raceless_runner runner;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} events SEC(".maps");

/* What found no room in it. The reader looks by itself. */
__u64 events_lost;

/* NULL in a kernel that does not list them in /proc/kallsyms. */
extern const void modules __ksym __weak;
extern const void super_blocks __ksym __weak;
extern const void swap_info __ksym __weak;
extern const void tty_fops __ksym __weak;
extern const void fscontext_fops __ksym __weak;

/* Those of kernels after 6.1. */
struct module_memory___6_4 {
	void *base;
	unsigned int size;
} __attribute__((preserve_access_index));

struct module___6_4 {
	struct module_memory___6_4 mem[1]; /* MOD_TEXT */
} __attribute__((preserve_access_index));

/* Those of modules. */
struct af_alg_type {
	struct module *owner;
	char name[14];
} __attribute__((preserve_access_index));

struct alg_sock {
	struct sock *parent;
	const struct af_alg_type *type;
	void *private;
} __attribute__((preserve_access_index));

static __always_inline bool is_target(const struct module *module)
{
	__u64 name[NAME_WORDS] = {};
	int i;

	if (!module)
		return false;
	bpf_probe_read_kernel_str(name, sizeof(name), module->name);
	for (i = 0; i < NAME_WORDS; i++)
		if (name[i] != target[i])
			return false;
	return true;
}

/* A record to be filled in, and where it goes to. */
struct report {
	struct seq_file *seq;
	struct raceless_holder holder;
};

/* If @owner is the module that is asked about: @object has a reference on it. */
static __noinline void tell(struct report *report, __u32 kind, const void *object,
			    const struct module *owner)
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
				      const struct crypto_tfm *tfm, bool is_hash)
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
static __noinline void tell_alg(struct report *report, const struct alg_sock *sock)
{
	const struct af_alg_type *type;
	char name[14] = {};
	void *private;

	if (!bpf_core_type_exists(struct alg_sock) || BPF_CORE_READ(sock, parent))
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
	if (!bpf_strncmp(name, sizeof(name), "hash"))
		tell_algorithm(report, &((struct crypto_ahash *)private)->base,
			       true);
	else if (!bpf_strncmp(name, sizeof(name), "skcipher"))
		tell_algorithm(report,
			       &((struct crypto_skcipher *)private)->base, false);
}

/* tcp_init_sock() and setsockopt(), to tcp_v4_destroy_sock(). */
static __noinline void tell_tcp(struct report *report, const struct sock *sock)
{
	const struct inet_connection_sock *connection = (const void *)sock;
	const struct tcp_congestion_ops *congestion =
		BPF_CORE_READ(connection, icsk_ca_ops);
	const struct tcp_ulp_ops *layer = BPF_CORE_READ(connection, icsk_ulp_ops);

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

/* sk_prot_alloc() to sk_prot_free(): sk_prot itself may be another one by now. */
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
	/* The one that it was accepted from lives on when its own socket is closed. */
	if (report->holder.number == AF_ALG &&
	    bpf_core_type_exists(struct alg_sock))
		parent = BPF_CORE_READ(alg, parent);
	if (parent)
		tell_sock(report, parent);
}

/*
 * chrdev_open() to __fput(): the device and, as for all files, the operations.
 * Some devices are sockets as well (tun).
 */
static __noinline void tell_device(struct report *report, const struct file *file)
{
	const void *operations = BPF_CORE_READ(file, f_op);
	struct cdev *device = BPF_CORE_READ(file, f_inode, i_cdev);
	const void *private = BPF_CORE_READ(file, private_data);

	tell(report, RACELESS_HOLDER_DEVICE, file, BPF_CORE_READ(device, owner));
	if (!private)
		return;
	if (operations == &tty_fops) {
		/* tty_init_dev() to release_tty(); tty_ldisc_get() to tty_ldisc_put() */
		const struct tty_struct *tty = BPF_CORE_READ(
			(const struct tty_file_private *)private, tty);
		const struct tty_ldisc *discipline = BPF_CORE_READ(tty, ldisc);

		name_it(report, &tty->name);
		tell(report, RACELESS_HOLDER_TERMINAL, tty,
		     BPF_CORE_READ(tty, driver, owner));
		tell(report, RACELESS_HOLDER_DISCIPLINE, discipline,
		     BPF_CORE_READ(discipline, ops, owner));
	} else if (is_target(BPF_CORE_READ(file, f_op, owner))) {
		const struct proto *protocol = BPF_CORE_READ(
			(const struct sock *)private, sk_prot_creator);

		name_it(report, &protocol->name);
		tell(report, RACELESS_HOLDER_PROTOCOL, private,
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
	tell(report, RACELESS_HOLDER_DISK, file, BPF_CORE_READ(disk, fops, owner));
}

/* full_proxy_open() to full_proxy_release(); else the operations have replaced debugfs's. */
static __noinline void tell_debugfs(struct report *report, const struct file *file)
{
	const struct debugfs_fsdata *data =
		BPF_CORE_READ(file, f_path.dentry, d_fsdata);

	/* The lowest bit: not opened yet, and no pointer to such data. */
	if (!data || (__u64)data & 1 || BPF_CORE_READ(file, f_op, owner))
		return;
	tell(report, RACELESS_HOLDER_DEBUGFS, file,
	     BPF_CORE_READ(data, real_fops, owner));
}

/* do_dentry_open() to __fput(), for each struct file: who shares it has it once. */
static __noinline void tell_file(struct report *report, const struct file *file)
{
	const struct inode *inode = BPF_CORE_READ(file, f_inode);
	const struct super_block *mounted = BPF_CORE_READ(inode, i_sb);
	__u32 type = BPF_CORE_READ(inode, i_mode) & S_IFMT;
	const void *operations = BPF_CORE_READ(file, f_op);
	__u64 magic = BPF_CORE_READ(mounted, s_magic);

	report->holder.thing = (__u64)mounted;
	tell(report, RACELESS_HOLDER_USE, file,
	     BPF_CORE_READ(mounted, s_type, owner));
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
	} else if (operations && operations == &fscontext_fops) {
		const struct fs_context *context =
			BPF_CORE_READ(file, private_data);
		const struct file_system_type *fs =
			BPF_CORE_READ(context, fs_type);

		name_it(report, BPF_CORE_READ(fs, name));
		tell(report, RACELESS_HOLDER_CONTEXT, context,
		     BPF_CORE_READ(fs, owner));
	}
}

static __always_inline void begin(struct report *report, struct seq_file *seq,
				  const struct task_struct *task, __s32 fd)
{
	__builtin_memset(report, 0, sizeof(*report));
	report->seq = seq;
	report->holder.fd = fd;
	report->holder.pid = BPF_CORE_READ(task, tgid);
	bpf_probe_read_kernel_str(report->holder.comm,
				  sizeof(report->holder.comm),
				  BPF_CORE_READ(task, group_leader)->comm);
}

/* Each descriptor of each table of descriptors. */
SEC("iter/task_file")
int open_files(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct report report;

	if (!task || !file)
		return 0;
	begin(&report, ctx->meta->seq, task, ctx->fd);
	tell_file(&report, file);
	return 0;
}

/*
 * What is mapped may have no descriptor any more. The kernel takes each process's
 * mmap_lock for that, killably: a process that keeps it keeps us waiting, too.
 */
SEC("iter/task_vma")
int mapped_files(struct bpf_iter__task_vma *ctx)
{
	struct vm_area_struct *area = ctx->vma;
	struct task_struct *task = ctx->task;
	struct report report;
	struct file *file;

	if (!task || !area)
		return 0;
	file = BPF_CORE_READ(area, vm_file);
	if (!file)
		return 0;
	begin(&report, ctx->meta->seq, task, RACELESS_HOLDER_MAPPED);
	report.holder.place = BPF_CORE_READ(area, vm_start);
	tell_file(&report, file);
	return 0;
}

static __noinline void tell_folder(struct report *report, __s32 fd,
				   const struct dentry *folder)
{
	const struct super_block *mounted = BPF_CORE_READ(folder, d_sb);

	report->holder.fd = fd;
	report->holder.thing = (__u64)mounted;
	tell(report, RACELESS_HOLDER_USE, folder,
	     BPF_CORE_READ(mounted, s_type, owner));
}

/* What else a process has: its folders, and its network's congestion control. */
SEC("iter/task")
int processes(struct bpf_iter__task *ctx)
{
	struct report report;
	struct task_struct *task = ctx->task;
	const struct tcp_congestion_ops *congestion;
	const struct fs_struct *folders;
	const struct net *network;

	if (!task)
		return 0;
	folders = BPF_CORE_READ(task, fs);
	network = BPF_CORE_READ(task, nsproxy, net_ns);
	congestion = BPF_CORE_READ(network, ipv4.tcp_congestion_control);
	begin(&report, ctx->meta->seq, task, RACELESS_HOLDER_NOBODY);
	tell_folder(&report, RACELESS_HOLDER_CURRENT,
		    BPF_CORE_READ(folders, pwd.dentry));
	tell_folder(&report, RACELESS_HOLDER_ROOT,
		    BPF_CORE_READ(folders, root.dentry));
	report.holder.fd = RACELESS_HOLDER_NOBODY;
	report.holder.thing = (__u64)network;
	name_it(&report, &congestion->name);
	tell(&report, RACELESS_HOLDER_NETWORK, network,
	     BPF_CORE_READ(congestion, owner));
	return 0;
}

/* Tasks that are in the module, or sleep in what it called, whether they hold it or not. */
SEC("iter/task")
int runners(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	bool inside = false;
	int i;

	if (!task || !text_begin)
		return 0;
	__builtin_memset(&runner, 0, sizeof(runner));
	if (bpf_get_task_stack(task, runner.stack, sizeof(runner.stack), 0) <= 0)
		return 0;
	for (i = 0; i < RACELESS_STACK_DEPTH; i++)
		if (runner.stack[i] >= text_begin && runner.stack[i] < text_end)
			inside = true;
	if (!inside)
		return 0;
	runner.pid = BPF_CORE_READ(task, tgid);
	runner.tid = BPF_CORE_READ(task, pid);
	bpf_probe_read_kernel_str(runner.comm, sizeof(runner.comm), task->comm);
	bpf_seq_write(ctx->meta->seq, &runner, sizeof(runner));
	return 0;
}

/* A list that is walked, at @next. */
struct walk {
	const void *head;
	const struct list_head *next;
};

/* False at the list's end, and on an entry that was removed meanwhile. */
static __always_inline bool step(struct walk *walk, const struct list_head **entry)
{
	const struct list_head *next = NULL;

	*entry = walk->next;
	if (!*entry || *entry == walk->head)
		return false;
	bpf_probe_read_kernel(&next, sizeof(next), &(*entry)->next);
	if (next == *entry)
		next = NULL;
	walk->next = next;
	return true;
}

static __always_inline struct walk walk_of(const void *head)
{
	struct walk walk = { .head = head };

	if (head)
		bpf_probe_read_kernel(&walk.next, sizeof(walk.next), head);
	return walk;
}

#define ENTRY(entry, type, member)                                             \
	((const type *)((const void *)(entry) -                                \
			bpf_core_field_offset(type, member)))

static long see_module(__u64 i, struct walk *walk)
{
	const struct list_head *entry;
	const struct module *module;
	const struct module___6_4 *newer;

	if (!step(walk, &entry))
		return 1;
	module = ENTRY(entry, struct module, list);
	if (!is_target(module))
		return 0;
	module_address = (__u64)module;
	newer = (const void *)module;
	if (bpf_core_field_exists(newer->mem)) {
		text_begin = (__u64)BPF_CORE_READ(newer, mem[0].base);
		text_end = text_begin + BPF_CORE_READ(newer, mem[0].size);
	} else {
		text_begin = (__u64)BPF_CORE_READ(module, core_layout.base);
		text_end = text_begin +
			   BPF_CORE_READ(module, core_layout.text_size);
	}
	return 1;
}

SEC("syscall")
int find_module(void *ctx)
{
	struct walk walk = walk_of(&modules);

	module_address = 0;
	text_begin = 0;
	bpf_loop(MOST_MODULES, see_module, &walk, 0);
	return 0;
}

static __always_inline void tell_kernel(struct raceless_holder *holder,
					__u32 kind, __u32 references,
					const struct module *owner)
{
	if (!is_target(owner))
		return;
	holder->kind = kind;
	holder->references = references;
	if (bpf_ringbuf_output(&events, holder, sizeof(*holder),
			       BPF_RB_NO_WAKEUP))
		__sync_fetch_and_add(&events_lost, 1);
}

/* alloc_super() to deactivate_locked_super(); and the disk as if it were opened. */
static long see_mount(__u64 i, struct walk *walk)
{
	struct raceless_holder holder = { .fd = RACELESS_HOLDER_NOBODY };
	const struct file_system_type *type;
	const struct super_block *mounted;
	const struct list_head *entry;

	if (!step(walk, &entry))
		return 1;
	mounted = ENTRY(entry, struct super_block, s_list);
	type = BPF_CORE_READ(mounted, s_type);
	holder.object = (__u64)mounted;
	holder.thing = (__u64)mounted;
	holder.number = BPF_CORE_READ(mounted, s_dev);
	holder.active = BPF_CORE_READ(mounted, s_active.counter) > 0;
	bpf_probe_read_kernel_str(holder.name, sizeof(holder.name),
				  BPF_CORE_READ(type, name));
	tell_kernel(&holder, RACELESS_HOLDER_MOUNT, 1,
		    BPF_CORE_READ(type, owner));
	if (holder.active)
		tell_kernel(&holder, RACELESS_HOLDER_MOUNTED_DISK, 1,
			    BPF_CORE_READ(mounted, s_bdev, bd_disk, fops, owner));
	return 0;
}

SEC("syscall")
int mounts(void *ctx)
{
	struct walk walk = walk_of(&super_blocks);

	bpf_loop(MOST_MOUNTS, see_mount, &walk, 0);
	mounts_complete = walk.head && walk.next == walk.head;
	return 0;
}

/*
 * swapon() to swapoff(): its file is an open disk. Until 6.9 it opened the disk once
 * more, to have it for itself: then it is the disk's owner, and not the file.
 */
static long see_swap(__u64 i, void *ctx)
{
	struct raceless_holder holder = { .fd = RACELESS_HOLDER_NOBODY };
	const struct swap_info_struct *swap = NULL;
	const struct gendisk *disk;
	const struct file *file;

	bpf_probe_read_kernel(&swap, sizeof(swap), &swap_info + i * sizeof(swap));
	if (!swap)
		return 1;
	file = BPF_CORE_READ(swap, swap_file);
	if (!(BPF_CORE_READ(swap, flags) & SWP_USED) || !file ||
	    (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFBLK)
		return 0;
	disk = BPF_CORE_READ(swap, bdev, bd_disk);
	holder.object = (__u64)file;
	holder.thing = (__u64)file;
	holder.number = BPF_CORE_READ(swap, bdev, bd_dev);
	bpf_probe_read_kernel_str(holder.name, sizeof(holder.name),
				  &disk->disk_name);
	tell_kernel(&holder, RACELESS_HOLDER_SWAP,
		    BPF_CORE_READ(swap, bdev, bd_holder) == swap ? 2 : 1,
		    BPF_CORE_READ(disk, fops, owner));
	return 0;
}

SEC("syscall")
int swaps(void *ctx)
{
	if (&swap_info)
		bpf_loop(MOST_SWAPS, see_swap, NULL, 0);
	return 0;
}

static __always_inline void fill(struct raceless_module_use *use, __u64 ip,
				 bool is_put)
{
	__u64 task = bpf_get_current_pid_tgid();

	use->time_ns = bpf_ktime_get_ns();
	use->ip = ip;
	use->pid = task >> 32;
	use->tid = (__u32)task;
	use->is_put = is_put;
	use->pad = 0;
	bpf_get_current_comm(use->comm, sizeof(use->comm));
}

SEC("tp_btf/module_get")
int BPF_PROG(on_get, struct module *module, unsigned long ip)
{
	struct raceless_module_use *use;
	long bytes;

	if (!is_target(module))
		return 0;
	use = bpf_ringbuf_reserve(&events, sizeof(*use), 0);
	if (!use) {
		__sync_fetch_and_add(&events_lost, 1);
		return 0;
	}
	fill(use, ip, false);
	__builtin_memset(use->stack, 0, sizeof(use->stack));
	bytes = bpf_get_stack(ctx, use->stack, sizeof(use->stack), 0);
	if (bytes < 0)
		use->stack[0] = ip;
	bpf_ringbuf_submit(use, BPF_RB_NO_WAKEUP);
	return 0;
}

SEC("tp_btf/module_put")
int BPF_PROG(on_put, struct module *module, unsigned long ip)
{
	struct raceless_module_use *use;

	if (!is_target(module))
		return 0;
	use = bpf_ringbuf_reserve(&events, RACELESS_MODULE_PUT_SIZE, 0);
	if (!use) {
		__sync_fetch_and_add(&events_lost, 1);
		return 0;
	}
	fill(use, ip, true);
	bpf_ringbuf_submit(use, BPF_RB_NO_WAKEUP);
	return 0;
}
