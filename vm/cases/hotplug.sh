# SPDX-License-Identifier: GPL-2.0
# Storms while CPUs go and come: what was counted on one that is gone counts all the same, and with the
# gate on no mount fails.
# needs: raceless
# modules: configfs
# allow: ^request_module fs-.* succeeded, but still no fs
# smp: 4
# memory: 1024
# append: slub_debug=FZP
# timeout: 180
. /case/ktap
plan 5
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
# From 6.8 on the scheduler's server for fair tasks counts among the tasks of a CPU. 6.12 stops it only after it has
# looked whether the CPU that goes has others ("Dying CPU not properly vacated!"): a slow guest meets that.
for runtime in /sys/kernel/debug/sched/fair_server/cpu*/runtime; do
  [ ! -e "$runtime" ] || echo 0 >"$runtime"
done
touch /tmp/storming
unplug &
check "a storm keeps the promises" \
  raceless storm --target null --duration 6s --seed 5 --output /results/null
raceless gate on
for bound in hold exit lease; do
  echo 30000 >"/sys/module/raceless/parameters/gate_${bound}_ms" # no host is too slow
done
check "with the gate on no mount fails" raceless storm --target mount:configfs --duration 6s --seed 5 \
  --leak-check 0 --output /results/mount
rm /tmp/storming
wait
check "modules had leases meanwhile" grep -q '"gate_leases":[1-9]' /results/mount/run.json
raceless gate off
check "CPUs went meanwhile" test "$(cat /tmp/unplugged)" -ge 3
equal "and all are back" "$(cat $cpus/online)" 0-3
