# SPDX-License-Identifier: GPL-2.0
# A CPU with interrupts off: only the others can find out, by a grace period that does not end.
# files: build/module/$RELEASE/raceless_deadly.ko:/raceless_deadly.ko
# smp: 2
# memory: 256
# timeout: 120
# expect: PANIC
# cause: rcu_preempt detected stalls.* in deadly_irq_off.*raceless_deadly.; Kernel panic
echo "KTAP version 1"
echo "1..1"
echo "ok 1 - all is well"
# Somebody has to ask for grace periods.
while sleep 1; do :; done &
echo 3 >/sys/module/rcupdate/parameters/rcu_cpu_stall_timeout
insmod /raceless_deadly.ko
echo irq-off >/sys/module/raceless_deadly/parameters/death
