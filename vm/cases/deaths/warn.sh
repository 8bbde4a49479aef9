# SPDX-License-Identifier: GPL-2.0
# A module that meets its WARN_ON(): the guest lives on, and is no pass.
# files: build/module/$RELEASE/raceless_deadly.ko:/raceless_deadly.ko
# smp: 1
# memory: 256
# timeout: 30
# expect: SPLAT
# cause: WARNING: .* at .*raceless_deadly.c:[0-9]+ deadly_warn.*raceless_deadly.
echo "KTAP version 1"
echo "1..1"
echo "ok 1 - all is well"
insmod /raceless_deadly.ko
echo warn >/sys/module/raceless_deadly/parameters/death
