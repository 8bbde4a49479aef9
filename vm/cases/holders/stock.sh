# SPDX-License-Identifier: GPL-2.0
# raceless holders, stock modules: sockets and what they chose, mounts, disks, swap, other modules.
# needs: raceless
# modules: kcm romfs configfs loop tun algif_hash md4 tcp_bbr zram lzo-rle
# programs: jq
# files: vm/cases/holders/plants:/usr/lib/plants build/cmake/bin/planter:/usr/bin/planter build/cmake/bin/holder:/usr/bin/holder
# timeout: 300
. /case/ktap
. /usr/lib/plants
plant=
plan 25

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
ask loop
tells "and as the user of its disk" '.holders | any(.kind == "mount" and (.users | any(.how == "current folder")))'
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
if [ -e /proc/swaps ]; then
  mkswap /dev/zram0 >/dev/null
  swapon /dev/zram0
  ask zram
  equal "swap" "$(jq -c '[.unknown, .holders[0].kind, .holders[0].remedy]' /tmp/answer)" '[0,"swap","swapoff /dev/zram0"]'
else
  skip "swap" "the kernel has none"
fi
ask zsmalloc
tells "who needs it" '.holders | any(.what == "module zram")'
[ ! -e /proc/swaps ] || swapoff /dev/zram0
restricted=$(cat /proc/sys/kernel/kptr_restrict)
echo 2 >/proc/sys/kernel/kptr_restrict
ask zram
tells "what a kernel that hides its addresses hides" '.missing | length == 1 and (.[0] | contains("kptr_restrict"))'
echo "$restricted" >/proc/sys/kernel/kptr_restrict
slowest
