# SPDX-License-Identifier: GPL-2.0
# A module that meets its BUG().
# files: build/module/$RELEASE/raceless_deadly.ko:/raceless_deadly.ko
# smp: 1
# memory: 256
# timeout: 30
# expect: PANIC
# cause: kernel BUG at .*raceless_deadly.c:[0-9]+! in deadly_bug.*raceless_deadly.; Kernel panic
echo "KTAP version 1"
echo "1..1"
echo "ok 1 - all is well"
insmod /raceless_deadly.ko
echo bug >/sys/module/raceless_deadly/parameters/death
