# SPDX-License-Identifier: GPL-2.0
# A guest that resets the machine has not passed.
# expect: FAIL
# cause: the guest reset itself
echo "KTAP version 1"
echo "1..1"
echo "ok 1 - all is well"
reboot -f
sleep 30
