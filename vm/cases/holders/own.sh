# SPDX-License-Identifier: GPL-2.0
# raceless holders, a module of our own: each reference of its device is named once, the rest is said,
# and leaked gets are among the candidates.
# needs: raceless
# programs: jq
# files: vm/cases/holders/plants:/usr/lib/plants build/cmake/bin/planter:/usr/bin/planter build/cmake/bin/holder:/usr/bin/holder
# timeout: 300
. /case/ktap
. /usr/lib/plants
plant=
plan 18

# A character device of our own: the device and its operations, however it is shared; debugfs.
modprobe raceless_held
mount -t debugfs none /sys/kernel/debug 2>/dev/null
mknod /dev/raceless_held c "$(sed -n 's/ raceless_held//p' /proc/devices)" 0
check "nobody holds it" says 'raceless_held: no references' 0 raceless holders raceless_held
plant open /dev/raceless_held
opened=$plant
plant share /dev/raceless_held
shared=$plant
plant map /dev/raceless_held
mapped=$plant
plant open /sys/kernel/debug/raceless_held/file
debugged=$plant
count raceless_held 7
tells "an open device: pid, descriptor and path" ".holders | any(.parts == {device: 1, operations: 1} and .references == 2 and
  .users == [{pid: $opened, comm: \"planter\", how: \"fd 3\", path: \"/dev/raceless_held\"}])"
tells "one that is shared counts once" ".holders | any(.references == 2 and (.users | map([.pid, .how])) == [[$shared, \"fd 3\"], [$shared, \"fd 4\"]])"
tells "one that is only mapped" ".holders | any(.references == 2 and .users == [{pid: $mapped, comm: \"planter\", how: \"mapped\", path: \"/dev/raceless_held\"}])"
tells "a debugfs file" ".holders | any(.references == 1 and .users[0].pid == $debugged and .users[0].path == \"/sys/kernel/debug/raceless_held/file\")"
uproot
count raceless_held 0

# Kernel threads: one that keeps a reference for long is seen in the module; leaked ones are unknown.
echo 1 >/sys/module/raceless_held/parameters/keep
echo 3 >/sys/module/raceless_held/parameters/leak
ask raceless_held
tells "what nobody names is unknown" '[.references, .named, .unknown] == [4, 0, 4]'
tells "a thread that is in it, with its stack" '.runners | any(.task.comm == "held_keep" and (.stack | any(startswith("held_long_get"))))'
echo 0 >/sys/module/raceless_held/parameters/keep
raceless holders raceless_held --record --json >/tmp/answer 2>/tmp/said &
recorder=$!
until grep -q recording /tmp/said; do sleep 0.05; done
echo 2 >/sys/module/raceless_held/parameters/leak
echo 1 >/sys/module/raceless_held/parameters/keep
plant open /dev/raceless_held
kill -9 "$plant"
wait "$plant"
plant open /dev/raceless_held
sleep 1
kill -INT $recorder
wait $recorder
equal "a recording ends well" $? 0
tells "leaked gets are candidates, with stack and task" '.recording.candidates | any(.count == 2 and
  (.stack | any(startswith("held_leaked_get")) and any(startswith("leak_one"))) and (.takers | length == 2 and all(.comm == "held_leak" and (.alive | not))))'
tells "a long one, too" '.recording.candidates | any(.count == 1 and (.stack | any(startswith("held_long_get"))) and .takers[0].comm == "held_keep" and .takers[0].alive)'
tells "what was put is none" "[.recording.candidates[].count] | add == 5"
tells "those of a holder that is named are told apart" ".recording.candidates | map(select(.likely_named)) | length > 0 and all(.takers[0].pid == $plant)"
tells "the difference is said" '[.references, .named, .unknown, .recording.lost] == [8, 2, 6, 0]'
check "in words, too" says '8 references = 2 named + 6 unknown' 0 raceless holders raceless-held
uproot
echo 0 >/sys/module/raceless_held/parameters/keep
echo -5 >/sys/module/raceless_held/parameters/leak
raceless holders raceless_held --record --json >/tmp/answer 2>/tmp/said &
recorder=$!
until grep -q recording /tmp/said; do sleep 0.05; done
head -c 0 /dev/raceless_held
check "what was planted can be taken back" rmmod raceless_held
modprobe raceless_held
sleep 1
kill -INT $recorder
wait $recorder
tells "a load's own reference is nobody's" '.recording | .gets > 0 and .gets == .puts and .puts_of_earlier == 0 and .candidates == []'
rmmod raceless_held
slowest
