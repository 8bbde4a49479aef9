# SPDX-License-Identifier: GPL-2.0
# raceless trace: planted loads, unloads and failures are shown, counted, pinned and served exactly,
# without raceless.ko and with it; what it loses is told; a signal ends it, two end it at once.
# needs: raceless
# modules: dummy configfs kcm algif_hash
# programs: bpftool jq script
# smp: 1
# timeout: 300
. /case/ktap
plan 37
pins=/sys/fs/bpf/raceless
ip link set lo up
mkdir -p /tmp/mnt

# start NAME OPTION…: in the background, until it is attached; its output is in /tmp/NAME.
start() {
  name=$1
  shift
  raceless trace --json "$@" >"/tmp/$name" 2>"/tmp/$name.said" &
  tracer=$!
  until grep -q '"begin"' "/tmp/$name" || ! kill -0 $tracer; do sleep 0.05; done
}
# finish SIGNAL: ends it; $status is its exit code.
finish() {
  kill "-$1" $tracer
  wait $tracer
  status=$?
}
last() { tail -n 1 "/tmp/$1" | jq -c "$2"; }
lines() { grep -c "\"type\":\"$2\".*$3" "/tmp/$1"; }
absent() { # FILE KIND…: those of which there is no line
  for kind in $2; do
    [ "$(lines "$1" "$kind")" -gt 0 ] || echo "$kind"
  done
}

# Without raceless.ko.
start stock --stacks --interval 500ms --listen 127.0.0.1:9837
check "it works without raceless.ko" kill -0 $tracer
equal "and says so" "$(head -n 1 /tmp/stock | jq -c '[.registry, .missing]')" '[false,[]]'
for _ in 1 2 3; do modprobe dummy && rmmod dummy; done
busybox rmmod nosuch 2>/dev/null
mount -t nosuchfs none /tmp/mnt 2>/dev/null
mount -t configfs none /tmp/mnt
busybox rmmod configfs 2>/dev/null
umount /tmp/mnt
# A get of a module that is going fails.
modprobe raceless_gated exit_ms=3000
rmmod raceless_gated &
await grep -q '^raceless_gated .*Unloading' /proc/modules
mount -t raceless_gated none /tmp/mnt 2>/dev/null
wait $!
# One storm does, but on a host that is too busy for it to meet a dying module.
for round in $(seq 20); do
  raceless storm --target socket:kcm --duration 2s --seed "$round" --no-trace --leak-check 0 --output /tmp/kcm >/dev/null 2>&1
  sleep 0.3
  grep -q EAFNOSUPPORT /tmp/stock && break
done

# Quiet now: maps, metrics and events have the same numbers.
wget -q -O /tmp/metrics http://127.0.0.1:9837/metrics
metric() { sed -n "s/^raceless_module_$1} //p" /tmp/metrics; }
dumped() { # MAP MODULE: the sum of its numbers
  bpftool -j map dump pinned "$pins/$1" |
    jq "[.[].formatted | select(.key.name == \"$2\") | .value | if type == \"object\" then .count else . end] | add"
}
equal "OpenMetrics has its end" "$(tail -n 1 /tmp/metrics)" '# EOF'
equal "metrics: loads" "$(metric 'loads_total{module="dummy",result="ok"')" "$(dumped load_results dummy)"
equal "metrics: unloads" "$(metric 'unloads_total{module="dummy",result="ok"')" \
  "$(dumped unload_results dummy)"
equal "metrics: failed gets" "$(sed -n 's/^raceless_module_get_failures_total.*"raceless_gated".* //p' /tmp/metrics)" \
  "$(dumped module_gets raceless_gated)"
equal "metrics: a histogram" "$(metric 'unload_seconds_count{module="dummy"')" \
  "$(dumped unload_ns_of dummy)"
equal "metrics: its buckets" "$(metric 'unload_seconds_bucket{module="dummy",le="+Inf"')" 3
check "maps have telling names and types" sh -c \
  "bpftool map show pinned $pins/unload_results | grep -q 'name unload_results' &&
   bpftool btf dump map pinned $pins/unload_results | grep -q raceless_module_result"
check "programs too" sh -c \
  "bpftool prog show pinned $pins/prog_modules_on_module_load | grep -q 'tracing  *name on_module_load'"
check "and links" sh -c \
  "bpftool link show pinned $pins/link_modules_on_module_get | grep -q 'tracing'"
refuse "a second one with the same pins is refused" raceless trace --duration 1s
check "and told why" sh -c "raceless trace --duration 1s 2>&1 | grep -q 'another raceless uses it'"
check "a taken port, too" sh -c \
  "raceless trace --no-pins --duration 1s --listen 127.0.0.1:9837 2>&1 | grep -q 'choose another port'"
finish INT
equal "the first Ctrl-C ends it, with its numbers" "$status $(last stock .type)" '0 "end"'
refuse "and its pins are gone" test -e "$pins"

check "each line is JSON" jq -e . /tmp/stock
equal "each kind of line is there" "$(absent stock 'module_load module_loaded module_free module_unloaded
  module_request module_get_fail module_grace call_fail numbers')" ""
equal "planted loads and unloads" "$(last stock '.modules.dummy | [.loads, .unloads]')" \
  '[{"ok":3},{"ok":3}]'
equal "one event for each" "$(lines stock module_loaded '"name":"dummy"')" 3
equal "an unload of what is not there" "$(last stock '.modules.nosuch.unloads')" '{"ENOENT":1}'
equal "an unload of what is in use" "$(last stock '.modules.configfs.unloads')" '{"EAGAIN":1}'
equal "a mount that nothing provides" "$(last stock '.modules."fs-nosuchfs".failed_calls')" \
  '[{"call":"mount","cause":"missing","count":1,"error":"ENODEV"}]'
equal "unloads that went well, and modules that were freed" "$(last stock .modules.kcm.unloads.ok)" \
  "$(lines stock module_free '"name":"kcm"')"
check "failed gets have reasons and callers" sh -c "jq -se 'map(select(.type == \"module_get_fail\")) |
  length > 0 and all(.reason != \"unknown\" and (.caller | test(\"^[a-z_]\")) and .caller != \"unknown\" and (.stack | length > 2))' /tmp/stock"
check "unloads wait for RCU in free_module" sh -c "tail -n 1 /tmp/stock |
  jq -e '.modules.dummy.grace_waits | map(select(.caller | startswith(\"free_module\")) | .ns.count) | add == 3'"
check "what users saw fail, and why" sh -c "tail -n 1 /tmp/stock | jq -e '.modules |
  map(.failed_calls[] | select(.error == \"EAFNOSUPPORT\" and .cause != \"missing\") | .count) | add > 0'"
equal "nothing was lost" "$(last stock '[.drops.events, .drops.keys, .drops.tasks]')" '[0,0,0]'

# One module, by its other name; more events than there is room for, as nobody reads.
start some --no-pins --buffer 4096 algif-hash nosuch
modprobe dummy
rmmod dummy
kill -STOP $tracer
for _ in $(seq 60); do busybox rmmod nosuch 2>/dev/null; done
kill -CONT $tracer
modprobe algif_hash
rmmod algif_hash
finish INT
equal "it ends" $status 0
equal "only what was asked for is shown" "$(last some '.modules | keys')" '["algif_hash","nosuch"]'
equal "lost events are told" "$(last some '.drops.events')" "$(jq -s 'map(select(.type == "lost").events) | add' /tmp/some)"
equal "and are counted all the same" "$(last some '[.drops.events > 0, .modules.nosuch.unloads.ENOENT]')" '[true,60]'

# Ctrl-C twice, while it cannot answer to the first.
start twice
kill -STOP $tracer
kill -INT $tracer
kill -TERM $tracer
finish CONT
check "two signals end it at once" test $status -gt 128
equal "and nothing stays attached" "$(find "$pins" -name 'link_*' 2>/dev/null)" ""

# On a terminal the table is redrawn in place.
TERM=xterm script -qec 'raceless trace --no-pins --duration 1s --interval 300ms' /tmp/terminal >/dev/null </dev/null
check "on a terminal it redraws" grep -q "$(printf '\033')\[[0-9]*A" /tmp/terminal

# With raceless.ko.
modprobe raceless
start registry
for failing in fail_every=0 fail_every=1; do
  raceless storm --target chaos --module-options $failing --duration 3s --no-trace --leak-check 0 --output /tmp/chaos >/dev/null
done
finish TERM
equal "the registry is traced" "$status $(last registry .registry.counters.publishes)" \
  "0 $(sed -n 's/^# total publishes //p' /proc/raceless)"
equal "each kind of its lines is there" "$(absent registry 'transition publish stop grace_period get_fail wait
  flight_start flight_end')" ""
