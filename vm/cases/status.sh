# SPDX-License-Identifier: GPL-2.0
# A failing command fails the case, whatever its KTAP says.
# kernels: 6.1
# expect: FAIL
# cause: exit status 3
echo "KTAP version 1"
echo "1..1"
echo "ok 1 - all is well"
exit 3
