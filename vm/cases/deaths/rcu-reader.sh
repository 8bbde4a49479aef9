# SPDX-License-Identifier: GPL-2.0
# An RCU reader that never ends.
# files: build/module/$RELEASE/raceless_deadly.ko:/raceless_deadly.ko
# smp: 2
# memory: 256
# timeout: 120
# expect: PANIC
# cause: rcu_preempt (self-)?detected stall.* in deadly_rcu_reader.*raceless_deadly.; Kernel panic
echo "KTAP version 1"
echo "1..1"
echo "ok 1 - all is well"
# Somebody has to ask for grace periods.
while sleep 1; do :; done &
echo 60 >/proc/sys/kernel/watchdog_thresh
echo 3 >/sys/module/rcupdate/parameters/rcu_cpu_stall_timeout
insmod /raceless_deadly.ko
echo rcu-reader >/sys/module/raceless_deadly/parameters/death
