# SPDX-License-Identifier: GPL-2.0
# A storm while memory is short: page cache and slabs are taken back all the time, no promise is broken, and
# nobody is told that there was none.
# needs: raceless
# smp: 2
# memory: 384
# append: slub_debug=FZP
# timeout: 120
. /case/ktap
plan 2
available_kib() { awk '/^MemAvailable:/ { print $2 }' /proc/meminfo; }
# Up to the last 64 MiB, and back, again and again.
squeeze() {
  mkdir /tmp/squeezed
  mount -t tmpfs -o size=100% none /tmp/squeezed
  sleep 3 # the storm has what it needs to begin
  lowest=$(available_kib)
  while [ -e /tmp/storming ]; do
    dd if=/dev/zero of=/tmp/squeezed/fill bs=1024k count=$(($(available_kib) / 1024 - 64)) 2>/dev/null
    left=$(available_kib)
    [ "$left" -ge "$lowest" ] || lowest=$left
    sleep 0.2
    rm -f /tmp/squeezed/fill
  done
  umount /tmp/squeezed
  echo "$lowest" >/tmp/lowest
}
touch /tmp/storming
squeeze &
check "a storm keeps the promises" \
  raceless storm --target codec --duration 10s --seed 6 --output /results/codec
rm /tmp/storming
wait
check "there were less than 80 MiB meanwhile" test "$(cat /tmp/lowest)" -lt 81920
