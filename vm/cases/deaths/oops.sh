# SPDX-License-Identifier: GPL-2.0
# A module that follows a null pointer.
# files: build/module/$RELEASE/raceless_deadly.ko:/raceless_deadly.ko
# smp: 1
# memory: 256
# timeout: 30
# expect: PANIC
# cause: (BUG: kernel NULL pointer dereference|Oops: general protection fault).* in deadly_oops.*raceless_deadly.; Kernel panic
echo "KTAP version 1"
echo "1..1"
echo "ok 1 - all is well"
insmod /raceless_deadly.ko
echo oops >/sys/module/raceless_deadly/parameters/death
