# SPDX-License-Identifier: GPL-2.0
# A storm on CPUs without a tick, whose RCU callbacks are another's business.
# needs: raceless
# smp: 4
# memory: 1024
# append: slub_debug=FZP nohz_full=1-3 rcu_nocbs=1-3
# timeout: 120
. /case/ktap
plan 2
equal "three CPUs do without a tick" "$(cat /sys/devices/system/cpu/nohz_full)" 1-3
check "a storm there keeps the promises" \
  taskset -c 1-3 raceless storm --target null --duration 6s --seed 6 --output /results/null
