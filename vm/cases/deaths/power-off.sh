# SPDX-License-Identifier: GPL-2.0
# A module that switches the machine off in silence.
# files: build/module/$RELEASE/raceless_deadly.ko:/raceless_deadly.ko
# smp: 1
# memory: 256
# timeout: 30
# expect: FAIL
# cause: the guest switched itself off without its end record
echo "KTAP version 1"
echo "1..1"
echo "ok 1 - all is well"
insmod /raceless_deadly.ko
echo power-off >/sys/module/raceless_deadly/parameters/death
