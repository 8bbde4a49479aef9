# SPDX-License-Identifier: GPL-2.0
# A module that leaves memory behind at each load: the storm's look for leaks tells whose it was.
# kernels: !debug
# needs: raceless
# append: slub_debug=FZPU
# timeout: 240
# expect: FAIL
# cause: a leak: [0-9]+ more areas of vmalloc .[0-9]+ bytes., allocated by deadly_leak_vmalloc
echo "KTAP version 1"
echo "1..1"
echo "ok 1 - all is well"
raceless storm --target "module:/lib/modules/$(uname -r)/updates/raceless_deadly.ko" --no-trace \
  --module-options death=leak-vmalloc --workload true --unload-interval 10ms --load-interval 0s \
  --consumers 1 --duration 5s --output /results
