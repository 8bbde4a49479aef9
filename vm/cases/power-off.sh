# SPDX-License-Identifier: GPL-2.0
# A guest that powers off in silence has not passed.
# expect: FAIL
# cause: the guest switched itself off without its end record
echo "KTAP version 1"
echo "1..1"
echo "ok 1 - all is well"
sync
poweroff -f
sleep 30
