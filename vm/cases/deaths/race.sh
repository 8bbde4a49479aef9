# SPDX-License-Identifier: GPL-2.0
# KCSAN sees two tasks that write to the same word.
# kernels: kcsan
# files: build/module/$RELEASE/raceless_deadly.ko:/raceless_deadly.ko
# smp: 2
# memory: 512
# timeout: 120
# expect: SPLAT
# cause: BUG: KCSAN: data-race in deadly_race_step
echo "KTAP version 1"
echo "1..1"
echo "ok 1 - all is well"
insmod /raceless_deadly.ko
echo race >/sys/module/raceless_deadly/parameters/death
