// SPDX-License-Identifier: GPL-2.0
#include "kernel_log.h"

#include <gtest/gtest.h>

namespace raceless {
namespace {

TEST(KernelLog, TakesTheTextOfARecord) {
  EXPECT_EQ(kmsg_text("6,339,5140900,-;NET: Registered\n SUBSYSTEM=pci\n"), "NET: Registered");
  EXPECT_EQ(kmsg_text("4,1,2,-;a; b\n"), "a; b");
  EXPECT_EQ(kmsg_text("garbage"), "");
}

TEST(KernelLog, KnowsComplaints) {
  for (const char* line : {
           "WARNING: CPU: 1 PID: 99 at fs/filesystems.c:281 get_fs_type+0xe5/0x110",
           "BUG: kernel NULL pointer dereference, address: 0000000000000000",
           "BUG: unable to handle page fault for address: ffffffffc0412000",
           "kernel BUG at mm/slub.c:419!",
           "Oops: 0000 [#1] PREEMPT SMP PTI",
           "general protection fault, probably for non-canonical address 0xdead000000000100",
           "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
           "rcu: INFO: rcu_preempt detected expedited stalls on CPUs/tasks: { 1-...D } 21 jiffies",
           "INFO: rcu_tasks detected stalls on tasks:",
           "UBSAN: array-index-out-of-bounds in fs/romfs/super.c:1:2",
           "INFO: trying to register non-static key.",
           "VFS: Busy inodes after unmount of loop0.",
           "rcu: INFO: rcu_sched self-detected stall on CPU",
           "INFO: task rmmod:123 blocked for more than 120 seconds.",
           "watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [storm:77]",
           "BUG: KASAN: slab-use-after-free in codec_call+0x1f/0x40",
           "BUG kmalloc-64 (Tainted: G    B      OE     ): Poison overwritten",
           "BUG kmalloc-64 (Not tainted): Redzone overwritten",
           "watchdog: Watchdog detected hard LOCKUP on cpu 1",
           "divide error: 0000 [#1] PREEMPT SMP NOPTI",
           "list_del corruption. next->prev should be ffff888003b0, but was dead000000000122",
           "kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)",
           "kobject: kobject_add_internal failed for mine with -EEXIST",
           "BUG: KCSAN: data-race in raceless_put_folded [raceless] / process_one_work",
       })
    EXPECT_TRUE(is_complaint(line)) << line;
}

TEST(KernelLog, LeavesOrdinaryLinesAlone) {
  for (const char* line : {
           "raceless_probe: module verification failed: signature and/or required key missing",
           "raceless: codec waits for 3 references (10 s)",
           "loop0: detected capacity change from 0 to 8",
           "romfs: bad initial checksum on dev loop0.",
           "NET: Registered PF_KCM protocol family",
           "traps: user[99] trap int3 ip:401136 sp:7ffd error:0 in user[401000+1000]",
           "BUG: KCSAN: data-race in tick_nohz_handler / tick_nohz_idle_got_tick",
       })
    EXPECT_FALSE(is_complaint(line)) << line;
}

TEST(KernelLog, TellsFaultsFromOrigins) {
  EXPECT_EQ(complaint_bits(0x3000), 0U);
  EXPECT_EQ(complaint_bits(0x3000 | 1U << 9), 1U << 9);
  EXPECT_EQ(describe_taint(1U << 7 | 1U << 9), "D (died), W (warned)");
}

}  // namespace
}  // namespace raceless
