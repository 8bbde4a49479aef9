# SPDX-License-Identifier: GPL-2.0
# KASAN sees a write behind an object, as it happens.
# kernels: debug
# files: build/module/$RELEASE/raceless_deadly.ko:/raceless_deadly.ko
# smp: 1
# memory: 512
# timeout: 60
# expect: SPLAT
# cause: BUG: KASAN: slab-out-of-bounds in deadly_out_of_bounds.*raceless_deadly.
echo "KTAP version 1"
echo "1..1"
echo "ok 1 - all is well"
insmod /raceless_deadly.ko
echo out-of-bounds >/sys/module/raceless_deadly/parameters/death
