# SPDX-License-Identifier: GPL-2.0
# A module that sleeps with preemption off: the scheduler itself complains.
# files: build/module/$RELEASE/raceless_deadly.ko:/raceless_deadly.ko
# smp: 1
# memory: 256
# timeout: 30
# expect: SPLAT
# cause: BUG: scheduling while atomic.* in deadly_atomic_sleep.*raceless_deadly.
echo "KTAP version 1"
echo "1..1"
echo "ok 1 - all is well"
insmod /raceless_deadly.ko
echo atomic-sleep >/sys/module/raceless_deadly/parameters/death
