# SPDX-License-Identifier: GPL-2.0
# A kernel that panics is called so.
# expect: PANIC
# cause: sysrq triggered crash
echo "KTAP version 1"
echo "1..1"
echo "ok 1 - all is well"
echo c >/proc/sysrq-trigger
