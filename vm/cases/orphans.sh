# SPDX-License-Identifier: GPL-2.0
# PID 1 reaps what it never started, and background children do not hold up the end.
. /case/ktap
plan 1
for _ in 1 2 3 4 5; do
  (sleep 0.1 &)
done
sleep 1
zombies=$(grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null | wc -l)
equal "no zombies are left" "$zombies" 0
sleep 1000 &
