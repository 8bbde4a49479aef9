# SPDX-License-Identifier: GPL-2.0
# A tainted kernel makes a splat of a case that passed, though the log is clean.
# expect: SPLAT
# cause: tainted: U
echo "KTAP version 1"
echo "1..1"
echo "ok 1 - all is well"
echo 64 >/proc/sys/kernel/tainted
