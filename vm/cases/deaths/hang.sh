# SPDX-License-Identifier: GPL-2.0
# A task that waits for good.
# files: build/module/$RELEASE/raceless_deadly.ko:/raceless_deadly.ko
# smp: 1
# memory: 256
# timeout: 60
# expect: PANIC
# cause: INFO: task sh:[0-9]+ blocked for more than [0-9]+ seconds.* in deadly_hang.*raceless_deadly.; Kernel panic
echo "KTAP version 1"
echo "1..1"
echo "ok 1 - all is well"
insmod /raceless_deadly.ko
echo 2 >/proc/sys/kernel/hung_task_timeout_secs
echo hang >/sys/module/raceless_deadly/parameters/death
