# SPDX-License-Identifier: GPL-2.0
# A module that calls panic().
# files: build/module/$RELEASE/raceless_deadly.ko:/raceless_deadly.ko
# smp: 1
# memory: 256
# timeout: 30
# expect: PANIC
# cause: Kernel panic - not syncing: asked to in deadly_panic.*raceless_deadly.
echo "KTAP version 1"
echo "1..1"
echo "ok 1 - all is well"
insmod /raceless_deadly.ko
echo panic >/sys/module/raceless_deadly/parameters/death
