# SPDX-License-Identifier: GPL-2.0
# A line in the kernel log that looks like a warning makes a splat of a case that passed.
# expect: SPLAT
# cause: WARNING: CPU: 0 PID: 1 at raceless
echo "KTAP version 1"
echo "1..1"
echo "ok 1 - all is well"
echo "<4>WARNING: CPU: 0 PID: 1 at raceless/planted.c:1 planted+0x0/0x10" >/dev/kmsg
