# SPDX-License-Identifier: GPL-2.0
# A race that kills the kernel is recorded, and replayed to the same death at the same instruction.
# replays: 1
# needs: raceless
# timeout: 60
# expect: PANIC
# cause: (BUG: kernel NULL pointer dereference|KASAN in read_shared).*Kernel panic
. /case/ktap
plan 1
modprobe raceless_race
sleep 60
check "the race was lost while this slept" false
