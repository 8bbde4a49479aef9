// SPDX-License-Identifier: GPL-2.0
/*
 * Who holds references on one module, without raceless.ko: iterators that look
 * at every task's files, mappings and stack, a program that walks the mounted
 * file systems, and, while somebody records, every get and put of the module.
 *
 * The kernel counts references and does not say whose they are. What is known
 * here is where it takes one and where it drops it (the comments name the
 * functions), so that what has one can be told by looking at the things that
 * do.
 *
 * The lists are walked without their locks, by reads that cannot fault. What
 * changes meanwhile may be missed or be told although it has just gone.
 */
#include "holder_rules.h"

char LICENSE[] SEC("license") = "GPL";

#define SWP_USED 1

/* In mem[] of a module, since 6.4; its first is the text. */
#define MOD_INIT_TEXT 4

/* More of these than a machine has; the walk of a list that changes must end.
 */
#define MOST_MODULES 4096
#define MOST_MOUNTS  65536
#define MOST_SWAPS   32

/* The walks ended at their list's end. */
__u32 mounts_complete;

/* The kernel tells nobody like us the addresses of its symbols. */
__u32 hidden;

/* A runner, whose stack has no room on ours. The iterator has one reader. */
struct raceless_runner runner;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} events SEC(".maps");

/* Gets and puts that found no room in it. The reader looks by itself. */
__u64 events_lost;

/* What else is told by it: all, and what found no room. */
__u64 holders_told;
__u64 holders_lost;

/* Those of kernels after 6.1. */
struct module_memory___6_4 {
	void *base;
	unsigned int size;
} __attribute__((preserve_access_index));

struct module___6_4 {
	struct module_memory___6_4 mem[MOD_INIT_TEXT + 1];
} __attribute__((preserve_access_index));

static __always_inline void begin_nobody(struct report *report,
					 struct seq_file *seq)
{
	__builtin_memset(report, 0, sizeof(*report));
	report->seq = seq;
	report->holder.fd = RACELESS_HOLDER_NOBODY;
}

/*
 * Who has something, to be found below /proc, and ended: the process, or a thread
 * that shares @its such things with nobody, where the process has @common ones.
 */
static __always_inline __u32 whose(const struct task_struct *task,
				   const void *its, const void *common)
{
	return its == common ? BPF_CORE_READ(task, tgid) :
			       BPF_CORE_READ(task, pid);
}

static __always_inline void begin(struct report *report, struct seq_file *seq,
				  const struct task_struct *task, __s32 fd)
{
	begin_nobody(report, seq);
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
	report.holder.pid =
		whose(task, BPF_CORE_READ(task, files),
		      BPF_CORE_READ(task, group_leader, files));
	tell_file(&report, file);
	return 0;
}

/*
 * What is mapped may have no descriptor any more. The kernel takes each
 * process's mmap_lock for that, killably: a process that keeps it keeps us
 * waiting, too.
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

/* They may be pinned, and have no descriptor. */
SEC("iter/bpf_link")
int links(struct bpf_iter__bpf_link *ctx)
{
	struct bpf_link *link = ctx->link;
	struct report report;

	if (!link)
		return 0;
	begin_nobody(&report, ctx->meta->seq);
	tell_link(&report, link);
	return 0;
}

SEC("iter/bpf_prog")
int programs(struct bpf_iter__bpf_prog *ctx)
{
	struct bpf_prog *program = ctx->prog;
	struct report report;

	if (!program)
		return 0;
	begin_nobody(&report, ctx->meta->seq);
	tell_program(&report, program);
	return 0;
}

static __noinline void tell_folder(struct report *report, __s32 fd,
				   const struct dentry *folder)
{
	report->holder.fd = fd;
	tell_use(report, folder, BPF_CORE_READ(folder, d_sb));
}

/* What else a process has: its folders, and its network's congestion control.
 */
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
	report.holder.pid = whose(task, folders,
				  BPF_CORE_READ(task, group_leader, fs));
	tell_folder(&report, RACELESS_HOLDER_CURRENT,
		    BPF_CORE_READ(folders, pwd.dentry));
	tell_folder(&report, RACELESS_HOLDER_ROOT,
		    BPF_CORE_READ(folders, root.dentry));
	report.holder.fd = RACELESS_HOLDER_NOBODY;
	report.holder.pid =
		whose(task, network,
		      BPF_CORE_READ(task, group_leader, nsproxy, net_ns));
	report.holder.thing = (__u64)network;
	name_it(&report, &congestion->name);
	tell(&report, RACELESS_HOLDER_NETWORK, network,
	     BPF_CORE_READ(congestion, owner));
	return 0;
}

/* Tasks that are in the module, or in what it called: they may hold it or not.
 */
SEC("iter/task")
int runners(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	bool inside = false;
	int i;

	if (!task || !text_begin)
		return 0;
	__builtin_memset(&runner, 0, sizeof(runner));
	if (bpf_get_task_stack(task, runner.stack, sizeof(runner.stack), 0) <=
	    0)
		return 0;
	for (i = 0; i < RACELESS_STACK_DEPTH; i++)
		if ((runner.stack[i] >= text_begin &&
		     runner.stack[i] < text_end) ||
		    (runner.stack[i] >= init_begin &&
		     runner.stack[i] < init_end))
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
static __always_inline bool step(struct walk *walk,
				 const struct list_head **entry)
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
	struct walk walk = {.head = head};

	if (head)
		bpf_probe_read_kernel(&walk.next, sizeof(walk.next), head);
	return walk;
}

#define ENTRY(entry, type, member)                                             \
	((const type *)entry_at(entry, bpf_core_field_offset(type, member)))

static __always_inline const void *entry_at(const void *member, __u64 offset)
{
	return member - offset;
}

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
	tracepoints_begin = (__u64)BPF_CORE_READ(module, bpf_raw_events);
	tracepoints_end = tracepoints_begin +
			  sizeof(struct bpf_raw_event_map) *
				  BPF_CORE_READ(module, num_bpf_raw_events);
	newer = (const void *)module;
	if (bpf_core_field_exists(newer->mem)) {
		text_begin = (__u64)BPF_CORE_READ(newer, mem[0].base);
		text_end = text_begin + BPF_CORE_READ(newer, mem[0].size);
		init_begin = (__u64)BPF_CORE_READ(newer, mem[MOD_INIT_TEXT].base);
		init_end = init_begin +
			   BPF_CORE_READ(newer, mem[MOD_INIT_TEXT].size);
	} else {
		text_begin = (__u64)BPF_CORE_READ(module, core_layout.base);
		text_end = text_begin +
			   BPF_CORE_READ(module, core_layout.text_size);
		init_begin = (__u64)BPF_CORE_READ(module, init_layout.base);
		init_end = init_begin +
			   BPF_CORE_READ(module, init_layout.text_size);
	}
	return 1;
}

#define FIND_SYMBOL(symbol)                                                    \
	do {                                                                   \
		static const char name[] = #symbol;                            \
		__u64 address = 0;                                             \
		if (bpf_kallsyms_lookup_name(name, sizeof(name), 0,            \
					     &address) == -EPERM)              \
			hidden = 1;                                            \
		symbol = (const void *)address;                                \
	} while (0)

/* Much quicker than to read /proc/kallsyms. */
SEC("syscall")
int find_symbols(void *ctx)
{
	FIND_SYMBOL(modules);
	FIND_SYMBOL(super_blocks);
	FIND_SYMBOL(swap_info);
	FIND_SYMBOL(tty_fops);
	FIND_SYMBOL(fscontext_fops);
	FIND_SYMBOL(bpf_link_fops);
	FIND_SYMBOL(bpf_link_fops_poll);
	FIND_SYMBOL(bpf_prog_fops);
	return 0;
}

SEC("syscall")
int find_module(void *ctx)
{
	struct walk walk = walk_of(modules);

	module_address = 0;
	text_begin = 0;
	init_begin = 0;
	init_end = 0;
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
		holders_lost++;
	else
		holders_told++;
}

/* alloc_super() to deactivate_locked_super(); its disk as if it were opened. */
static long see_mount(__u64 i, struct walk *walk)
{
	struct raceless_holder holder = {.fd = RACELESS_HOLDER_NOBODY};
	const struct file_system_type *type;
	const struct super_block *mounted;
	const struct list_head *entry;
	const struct gendisk *disk;

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
	disk = BPF_CORE_READ(mounted, s_bdev, bd_disk);
	if (holder.active)
		tell_kernel(&holder, RACELESS_HOLDER_MOUNTED_DISK, 1,
			    BPF_CORE_READ(disk, fops, owner));
	return 0;
}

SEC("syscall")
int mounts(void *ctx)
{
	struct walk walk = walk_of(super_blocks);

	bpf_loop(MOST_MOUNTS, see_mount, &walk, 0);
	mounts_complete = walk.head && walk.next == walk.head;
	return 0;
}

/*
 * swapon() to swapoff(): its file is an open disk. Until 6.9 it opened the disk
 * once more, to have it for itself: then it is the disk's owner, and not the
 * file.
 */
static long see_swap(__u64 i, void *ctx)
{
	struct raceless_holder holder = {.fd = RACELESS_HOLDER_NOBODY};
	const struct swap_info_struct *swap = NULL;
	const struct gendisk *disk;
	const struct file *file;
	const char *name;

	bpf_probe_read_kernel(&swap, sizeof(swap),
			      swap_info + i * sizeof(swap));
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
	name = BPF_CORE_READ(swap, bdev, bd_device.kobj.name); /* not the disk's */
	bpf_probe_read_kernel_str(holder.name, sizeof(holder.name), name);
	tell_kernel(&holder, RACELESS_HOLDER_SWAP,
		    BPF_CORE_READ(swap, bdev, bd_holder) == swap ? 2 : 1,
		    BPF_CORE_READ(disk, fops, owner));
	return 0;
}

SEC("syscall")
int swaps(void *ctx)
{
	if (swap_info)
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
