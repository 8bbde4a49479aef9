# SPDX-License-Identifier: GPL-2.0
# lockdep sees two locks taken in both orders, by one task.
# kernels: debug
# files: build/module/$RELEASE/raceless_deadly.ko:/raceless_deadly.ko
# smp: 1
# memory: 512
# timeout: 60
# expect: SPLAT
# cause: WARNING: possible circular locking dependency detected in deadly_lock_order.*raceless_deadly.
echo "KTAP version 1"
echo "1..1"
echo "ok 1 - all is well"
insmod /raceless_deadly.ko
echo lock-order >/sys/module/raceless_deadly/parameters/death
