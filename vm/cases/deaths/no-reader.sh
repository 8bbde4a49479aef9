# SPDX-License-Identifier: GPL-2.0
# PROVE_RCU sees an RCU pointer that is read outside of a reader.
# kernels: debug
# files: build/module/$RELEASE/raceless_deadly.ko:/raceless_deadly.ko
# smp: 1
# memory: 512
# timeout: 60
# expect: SPLAT
# cause: WARNING: suspicious RCU usage in deadly_no_reader.*raceless_deadly.
echo "KTAP version 1"
echo "1..1"
echo "ok 1 - all is well"
insmod /raceless_deadly.ko
echo no-reader >/sys/module/raceless_deadly/parameters/death
