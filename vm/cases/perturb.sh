# SPDX-License-Identifier: GPL-2.0
# raceless perturb: a scheduler that comes and goes with its command, however that ends; without sched_ext
# (KERNEL=scx has it) only what it says then.
# needs: raceless
# memory: 1024
# timeout: 120
. /case/ktap
schedules() { [ "$(cat /sys/kernel/sched_ext/state)" = "$1" ]; }
in_storm() {
  raceless perturb --seed "$1" -- raceless storm --target "$2" --duration 5s --seed "$1" --no-timeline --output /tmp/storm
}

if ! [ -d /sys/kernel/sched_ext ]; then
  plan 1
  check "a kernel without sched_ext" says 'no sched_ext.*CONFIG_SCHED_CLASS_EXT' 4 raceless perturb true
  exit
fi
plan 18
check "no hold of no length" says '--longest' 2 raceless perturb --longest 0s true
check "not everybody is held" says '--held' 2 raceless perturb --held 91 true
check "a command that is not there" says 'cannot start no-such-command: ENOENT' 4 raceless perturb no-such-command
check "the kernel schedules again then" await schedules disabled

check "CPUs are kicked and tasks held" says 'seed 7: CPUs kicked [1-9][0-9]* times, tasks held [1-9][0-9]* times' 0 \
  raceless perturb --seed 7 --held 50 -- sh -c 'yes | head -n 100 | while read -r _; do sleep 0.001; done'
check "the kernel schedules again afterwards" await schedules disabled
check "nobody is held" says 'tasks held 0 times' 0 raceless perturb --held 0 -- sleep 0.1
check "the command's failure" says 'sh has ended with 3' 1 raceless perturb -- sh -c 'exit 3'
check "what could not run" says 'sh has ended with 4' 4 raceless perturb -- sh -c 'exit 4'
check "its death" says 'sh was killed by signal 9' 1 raceless perturb -- sh -c 'kill -9 $$'

raceless perturb >/tmp/perturb 2>&1 &
back=$!
check "without a command it stays" await schedules enabled
check "there can be one" says 'another scheduler of BPF is there, raceless' 4 raceless perturb true
kill -INT "$back"
wait "$back"
equal "until a signal, and ends well" "$?" 0
check "the kernel schedules again" await schedules disabled

raceless perturb -- sleep 5 &
back=$!
check "one that is killed" await schedules enabled
kill -9 "$back"
check "leaves no scheduler" await schedules disabled

check "a storm on the registry" in_storm 11 codec
check "a storm on providers" in_storm 12 factory
