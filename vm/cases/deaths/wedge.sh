# SPDX-License-Identifier: GPL-2.0
# All CPUs stand still with interrupts off: nothing inside can notice.
# files: build/module/$RELEASE/raceless_deadly.ko:/raceless_deadly.ko
# smp: 2
# memory: 256
# timeout: 5
# expect: TIMEOUT
# cause: no end after [0-9]+ s; stuck in deadly_stop_cpu.*raceless_deadly.
echo "KTAP version 1"
echo "1..1"
echo "ok 1 - all is well"
insmod /raceless_deadly.ko
echo wedge >/sys/module/raceless_deadly/parameters/death
