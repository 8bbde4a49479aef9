# SPDX-License-Identifier: GPL-2.0
# A module that floods the console: ended at a size, and the message is named.
# files: build/module/$RELEASE/raceless_deadly.ko:/raceless_deadly.ko
# smp: 1
# memory: 256
# timeout: 300
# expect: FAIL
# cause: a flood of messages on the console, 9[0-9] % of it: raceless_deadly: much ado
echo "KTAP version 1"
echo "1..1"
echo "ok 1 - all is well"
insmod /raceless_deadly.ko
echo flood >/sys/module/raceless_deadly/parameters/death
