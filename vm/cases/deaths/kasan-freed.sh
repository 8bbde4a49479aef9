# SPDX-License-Identifier: GPL-2.0
# KASAN sees a write to memory that was freed, as it happens.
# kernels: debug
# files: build/module/$RELEASE/raceless_deadly.ko:/raceless_deadly.ko
# smp: 1
# memory: 512
# timeout: 60
# expect: SPLAT
# cause: BUG: KASAN: slab-use-after-free in deadly_use_after_free.*raceless_deadly.
echo "KTAP version 1"
echo "1..1"
echo "ok 1 - all is well"
insmod /raceless_deadly.ko
echo use-after-free >/sys/module/raceless_deadly/parameters/death
