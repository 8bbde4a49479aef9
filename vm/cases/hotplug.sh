# SPDX-License-Identifier: GPL-2.0
# A storm while CPUs go and come: what was counted on one that is gone counts all the same.
# needs: raceless
# smp: 4
# memory: 1024
# append: slub_debug=FZP
# timeout: 120
. /case/ktap
plan 3
cpus=/sys/devices/system/cpu
# Never all of them: the first one stays.
unplug() {
  unplugged=0
  while [ -e /tmp/storming ]; do
    for cpu in 1 2 3; do
      echo 0 >$cpus/cpu$cpu/online && unplugged=$((unplugged + 1))
    done
    sleep 0.3
    for cpu in 1 2 3; do
      echo 1 >$cpus/cpu$cpu/online
    done
    sleep 0.1
  done
  echo $unplugged >/tmp/unplugged
}
touch /tmp/storming
unplug &
check "a storm keeps the promises" \
  raceless storm --target null --duration 6s --seed 5 --output /results/null
rm /tmp/storming
wait
check "CPUs went meanwhile" test "$(cat /tmp/unplugged)" -ge 3
equal "and all are back" "$(cat $cpus/online)" 0-3
