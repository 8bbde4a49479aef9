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
# Up to the last 24 MiB, and back, again and again.
squeeze() {
  lowest=$(available_kib)
  while [ -e /tmp/storming ]; do
    dd if=/dev/zero of=/tmp/fill bs=1024k count=$(($(available_kib) / 1024 - 24)) 2>/dev/null
    left=$(available_kib)
    [ "$left" -ge "$lowest" ] || lowest=$left
    sleep 0.2
    rm -f /tmp/fill
  done
  echo "$lowest" >/tmp/lowest
}
touch /tmp/storming
squeeze &
check "a storm keeps the promises" \
  raceless storm --target codec --duration 10s --seed 6 --output /results/codec
rm /tmp/storming
wait
check "there were less than 40 MiB meanwhile" test "$(cat /tmp/lowest)" -lt 40960
