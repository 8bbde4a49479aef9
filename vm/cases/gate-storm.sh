# SPDX-License-Identifier: GPL-2.0
# Storms on stock modules with the gate on: no use fails, under a tight unloader and one each 100 ms;
# the gate goes off and on under load; and nothing is left of it afterwards.
# needs: raceless
# modules: dummy configfs romfs loop kcm algif_hash sha1_generic
# smp: 2
# memory: 1024
# allow: ^request_module fs-.* succeeded, but still no fs
# timeout: 240
. /case/ktap
plan 18
storm() { # CELL TARGET OPTION…
  cell=$1 target=$2
  shift 2
  raceless storm --target "$target" --seed 1 --leak-check 0 --output "/results/$cell" "$@"
}
value() { sed -n "s/.*\"$2\":\([0-9]*\).*/\1/p" "/results/$1/run.json" | head -n 1; }
only_uses_failed() { [ -s "$1" ] && ! grep -o '"what":"[^"]*' "$1" | grep -v 'uses failed although the gate was on'; }
gate() { raceless gate status --json | tr -d '\n\t ' | sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p"; }
check "the gate can be turned on" raceless gate on
# That its bounds hold is for gate.sh to see; here no host is too slow for them.
for bound in hold exit lease; do
  echo 30000 >"/sys/module/raceless/parameters/gate_${bound}_ms"
done
for target in mount:configfs mount:romfs socket:kcm alg:sha1 load:dummy; do
  check "no use of $target fails under a tight unloader" storm "$target" "$target" --duration 3s
  check "nor under one each 100 ms" \
    storm "$target-100" "$target" --duration 2s --unload-interval 100ms
done
restarts=0
for run in /results/*/; do restarts=$((restarts + $(value "$(basename "$run")" gate_restarts))); done
check "calls were restarted" test "$restarts" -ge 1
equal "run.json says that the gate was on" "$(grep -l '"gate":"on"' /results/*/run.json | wc -l)" 10

# Uses fail while it is off, but none may be lost, and nothing may stay.
switch() {
  for _ in 1 2 3; do
    sleep 0.5
    raceless gate off
    raceless gate on
  done
}
raceless storm --target socket:kcm --duration 12s --leak-check 0 --output /results/switched >/tmp/said 2>&1 &
storming=$!
check "it goes off and on under load" switch
wait "$storming"
check "no other promise is broken" only_uses_failed /results/switched/run.json
check "nobody is held then" test "$(gate calls_now)$(gate leases_now)" = 00
check "off takes its programs away" sh -c 'raceless gate off && ! [ -e /sys/fs/bpf/raceless/gate ]'
check "and then raceless.ko can be unloaded" rmmod raceless
