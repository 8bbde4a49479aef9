# SPDX-License-Identifier: GPL-2.0
# A module that writes past its memory: found by init's look at all slab caches in the end.
# kernels: !debug
# files: build/module/$RELEASE/raceless_deadly.ko:/raceless_deadly.ko
# smp: 1
# memory: 256
# timeout: 30
# append: slub_debug=FZPU
# expect: SPLAT
# cause: Redzone overwritten.* in deadly_out_of_bounds.*raceless_deadly.
echo "KTAP version 1"
echo "1..1"
echo "ok 1 - all is well"
insmod /raceless_deadly.ko
echo out-of-bounds >/sys/module/raceless_deadly/parameters/death
