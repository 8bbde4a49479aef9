# SPDX-License-Identifier: GPL-2.0
# Debug objects see a timer that is freed while it runs.
# kernels: debug
# files: build/module/$RELEASE/raceless_deadly.ko:/raceless_deadly.ko
# smp: 1
# memory: 512
# timeout: 60
# expect: SPLAT
# cause: ODEBUG: free active .active state 0. object: .* timer_list hint: deadly_tick.*raceless_deadly.
echo "KTAP version 1"
echo "1..1"
echo "ok 1 - all is well"
insmod /raceless_deadly.ko
echo armed-timer >/sys/module/raceless_deadly/parameters/death
