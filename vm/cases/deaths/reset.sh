# SPDX-License-Identifier: GPL-2.0
# A module that resets the machine.
# files: build/module/$RELEASE/raceless_deadly.ko:/raceless_deadly.ko
# smp: 1
# memory: 256
# timeout: 30
# expect: FAIL
# cause: the guest reset itself.* without its end record
echo "KTAP version 1"
echo "1..1"
echo "ok 1 - all is well"
insmod /raceless_deadly.ko
echo reset >/sys/module/raceless_deadly/parameters/death
