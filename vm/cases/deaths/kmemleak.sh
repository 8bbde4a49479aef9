# SPDX-License-Identifier: GPL-2.0
# kmemleak sees memory that nothing points to, at one of the looks in the end.
# kernels: debug
# files: build/module/$RELEASE/raceless_deadly.ko:/raceless_deadly.ko
# smp: 1
# memory: 512
# timeout: 60
# expect: SPLAT
# cause: kmemleak: [0-9]+ new suspected memory leaks.* in deadly_leak_slab.*raceless_deadly.
echo "KTAP version 1"
echo "1..1"
echo "ok 1 - all is well"
insmod /raceless_deadly.ko
# Of the last one an address may still lie about on some stack.
for _ in 1 2 3 4 5 6 7 8 9 10; do
  echo leak-slab >/sys/module/raceless_deadly/parameters/death
done
