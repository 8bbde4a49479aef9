# SPDX-License-Identifier: GPL-2.0
# A module that never gives up its CPU: a soft lockup.
# files: build/module/$RELEASE/raceless_deadly.ko:/raceless_deadly.ko
# smp: 1
# memory: 256
# timeout: 60
# expect: PANIC
# cause: BUG: soft lockup.* in deadly_preempt_off.*raceless_deadly.; Kernel panic
echo "KTAP version 1"
echo "1..1"
echo "ok 1 - all is well"
echo 300 >/sys/module/rcupdate/parameters/rcu_cpu_stall_timeout
echo 2 >/proc/sys/kernel/watchdog_thresh
insmod /raceless_deadly.ko
echo preempt-off >/sys/module/raceless_deadly/parameters/death
