# SPDX-License-Identifier: GPL-2.0
# A failed test fails the case, even with exit status 0.
# kernels: 6.1
# expect: FAIL
# cause: 1 of 2 tests failed, the first: the second
echo "KTAP version 1"
echo "1..2"
echo "ok 1 - the first"
echo "not ok 2 - the second"
