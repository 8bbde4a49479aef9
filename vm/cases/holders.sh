# SPDX-License-Identifier: GPL-2.0
# raceless holders: planted holders of stock modules and of our own are named, each reference once, and
# the rest is said; gets that are leaked are among the candidates. Without raceless.ko, and with it.
# needs: raceless
# modules: dummy kcm romfs configfs loop tun algif_hash md4 tcp_bbr zram lzo-rle
# programs: jq
# files: build/cmake/bin/planter:/usr/bin/planter build/cmake/bin/holder:/usr/bin/holder
# timeout: 300
. /case/ktap
plan 50
plants=
slowest=0

# plant WHAT…: takes something in the background and keeps it; $plant is its process.
plant() {
  : >/tmp/ready
  planter "$@" >/tmp/ready &
  plant=$!
  plants="$plants $plant"
  until grep -q ready /tmp/ready || ! kill -0 $plant; do sleep 0.05; done
}
uproot() {
  for pid in $plants; do
    kill -9 "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
  done
  plants=
}
# ask MODULE…: the answer is in /tmp/answer.
ask() {
  raceless holders --json "$@" >/tmp/answer
  ms=$(($(jq .elapsed_ns /tmp/answer) / 1000000))
  [ "$ms" -le "$slowest" ] || slowest=$ms
}
# tells WHAT FILTER: the answer has it.
tells() {
  check "$1" jq -e "$2" /tmp/answer || jq -c . /tmp/answer | sed 's/^/# /'
}
# count MODULE REFERENCES: so many, all of them named.
count() {
  ask "$1"
  equal "$1: all of its $2 are named" "$(jq -c '[.references, .named, .unknown]' /tmp/answer)" "[$2,$2,0]"
}
says() { # TEXT STATUS COMMAND…
  text=$1 wanted=$2
  shift 2
  status=0
  "$@" >/tmp/said 2>&1 || status=$?
  cat /tmp/said
  [ "$status" = "$wanted" ] && grep -q -- "$text" /tmp/said
}

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
sleep 1
echo 2 >/sys/module/raceless_held/parameters/leak
echo 1 >/sys/module/raceless_held/parameters/keep
plant open /dev/raceless_held
kill -9 $plant
wait $plant
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
check "what was planted can be taken back" rmmod raceless_held

# Sockets, and what they chose.
plant kcm
count kcm 2
tells "a socket" ".holders[0].kind == \"socket\" and .holders[0].users[0].pid == $plant"
uproot
modprobe tun
plant tun held0
count tun 2
tells "a network device" ".holders[0].users[0] == {pid: $plant, comm: \"planter\", how: \"fd 3\", path: \"/dev/net/tun\"}"
uproot
plant congestion bbr
count tcp_bbr 1
tells "a TCP socket's congestion control" ".holders[0].parts == {congestion_control: 1} and .holders[0].users[0].pid == $plant"
uproot
plant hash md4
count algif_hash 1
count md4 2
uproot
plant hash-accepted md4
count md4 2
tells "an algorithm, by way of what it was accepted from" ".holders | any(.parts.algorithm == 2 and .users[0].pid == $plant)"
ask af_alg
tells "a dependent module" '.holders | any(.kind == "dependent" and .what == "module algif_hash" and .remedy == "rmmod algif_hash first")'
equal "and sockets" "$(jq .unknown /tmp/answer)" 0
uproot

# Mounts: with a mount point, in another namespace, detached; and their disk.
planter image /tmp/image
mkdir -p /tmp/mnt /tmp/other
modprobe loop
losetup /dev/loop0 /tmp/image
mount -t romfs /dev/loop0 /tmp/mnt
count romfs 1
tells "a mount and where it is" '.holders[0].kind == "mount" and .holders[0].remedy == "umount /tmp/mnt"'
plant open /dev/loop0
count loop 3
tells "an open disk, a mounted one, and what backs it" ".holders | (any(.kind == \"mount\") and any(.kind == \"disk\" and .users[0].pid == $plant) and any(.remedy == \"losetup -d /dev/loop0\"))"
plant folder /tmp/mnt
umount -l /tmp/mnt
plant context romfs
count romfs 2
tells "a mount that is detached, and who keeps it" '.holders | any(.kind == "mount" and (.what | contains("detached")) and (.users | any(.how == "current folder")))'
tells "one that is being set up" ".holders | any(.kind == \"context\" and .users[0].pid == $plant)"
uproot
losetup -d /dev/loop0
unshare -m sh -c 'mount -t configfs none /tmp/other && sleep 1000' &
other=$!
until [ "$(cat /sys/module/configfs/refcnt 2>/dev/null || echo 0)" -gt 0 ]; do sleep 0.05; done
count configfs 1
tells "a mount in another namespace" '.holders[0].remedy | test("^nsenter -t [0-9]+ -m umount /tmp/other$")'
kill -9 $other

# Swap; a dependent module of the kernel's.
modprobe zram
echo 4M >/sys/block/zram0/disksize
mkswap /dev/zram0 >/dev/null
swapon /dev/zram0
ask zram
equal "swap" "$(jq -c '[.unknown, .holders[0].kind, .holders[0].remedy]' /tmp/answer)" '[0,"swap","swapoff /dev/zram0"]'
ask zsmalloc
tells "who needs it" '.holders | any(.what == "module zram")'
swapoff /dev/zram0

# What is asked for wrongly.
check "a name that nearly is one" says 'did you mean romfs?' 2 raceless holders romfz
check "what is built in" says 'built into this kernel' 2 raceless holders ext4
check "what is not loaded" says "'dummy' is not loaded" 2 raceless holders dummy
check "a file" says 'is a file' 2 raceless holders ./kcm.ko
check "without privilege" says 'needs root' 4 su nobody -s /bin/sh -c 'raceless holders romfs'

# With raceless.ko: descriptors and providers, an unload that they keep waiting, and BPF.
modprobe raceless_sample_null
holder null 3 >/tmp/ready &
owner=$!
until grep -q ready /tmp/ready; do sleep 0.05; done
ask null
tells "a provider's module, and its descriptors" ".module == \"raceless_sample_null\" and .providers == [\"null\"] and .unknown == 0 and
  (.holders | any(.references == 3 and .users[0].pid == $owner))"
check "an unload says why" says "references on null through a descriptor" 1 raceless unload null --why --timeout 2s
check "for programs, too" sh -c "raceless unload null --why --json --timeout 2s |
  jq -e '.why.raceless_sample_null.holders | any(.users[0].pid == $owner)'"
kill -9 $owner
wait $owner
until [ "$(cat /sys/module/raceless_sample_null/refcnt)" = 0 ]; do sleep 0.05; done
raceless trace --no-pins >/dev/null 2>/tmp/said &
tracer=$!
until grep -q tracing /tmp/said; do sleep 0.05; done
ask raceless
tells "who traces it" ".unknown == 0 and (.holders | map(select(.kind == \"bpf\" and .users[0].pid == $tracer)) | length > 5)"
kill $tracer
wait $tracer
raceless gate on >/dev/null
ask raceless
tells "programs that are pinned" '.unknown == 0 and (.holders | any(.kind == "bpf" and .users == [] and (.remedy | contains("pin"))))'
raceless gate off >/dev/null
echo "# the slowest answer took $slowest ms"
