#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# In the guest of vm/perturb: storms on the registry's targets in turn, after FIRST of them, each round with another
# seed, until one fails or DURATION seconds are over; with SCHEDULED under the scheduler of `raceless perturb`. When they begin and
# when one fails is said in the kernel's log.
uptime() { cut -d. -f1 /proc/uptime; }
end=$(($(uptime) + DURATION))
set -- factory null chaos codec replace:through replace:side-by-side
for _ in $(seq $((FIRST % $#))); do
  target=$1
  shift
  set -- "$@" "$target"
done
echo "perturb: storms begin" >/dev/kmsg
for seed in $(seq 1000); do
  for target; do
    [ "$(uptime)" -lt "$end" ] || exit 0
    ${SCHEDULED:+raceless perturb --seed "$seed" --} \
      raceless storm --target "$target" --duration 2s --seed "$seed" --no-trace --no-timeline --timeout 5s \
      --stuck-after 15s --output /tmp/storm >/dev/null && continue
    echo "perturb: a storm on $target failed" >/dev/kmsg
    exit 1
  done
done
