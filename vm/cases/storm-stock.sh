# SPDX-License-Identifier: GPL-2.0
# Short storms on stock modules: user-visible failures are counted and are no broken promises. And on one as its
# developer would: a storm that unloads nothing is no proof.
# needs: raceless
# modules: dummy configfs
# allow: ^request_module fs-.* succeeded, but still no fs
# memory: 1024
# timeout: 300
. /case/ktap
plan 8
for target in load:dummy mount:configfs; do
  check "a storm on $target runs to its end" \
    raceless storm --target "$target" --duration 4s --seed 1 --output "/results/$target"
  check "its failures are counted" grep -q '"user_failures"' "/results/$target/run.json"
done
# of dummy's file
own() {
  raceless storm --target "module:$(modprobe --show-depends dummy | sed -n 's/^insmod \([^ ]*\).*/\1/p')" \
    --workload "${workload:-ip link add d\$\$ type dummy && ip link delete d\$\$}" --seed 1 --leak-check 0 "$@"
}
check "a module of one's own passes" says 'unloads *[1-9]' 0 own --duration 12s --output /results/own
check "one that was not unloaded does not" says 'nothing was unloaded' 4 \
  own --duration 6s --unload-interval 1h --output /results/idle
# after the first run of it, which is without a storm
workload='[ -e /tmp/tried ] && exec sleep 999; touch /tmp/tried'
check "one whose workload hangs does not" says 'the workload hangs' 1 own --duration 12s --output /results/hung
workload='if [ -e /tmp/twice ]; then ip link add d type nosuch; else touch /tmp/twice; fi'
check "nor one with which nothing succeeded" says 'no run of the workload succeeded' 4 \
  own --duration 4s --loaders 0 --output /results/vain
