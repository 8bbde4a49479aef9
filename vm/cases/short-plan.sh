# SPDX-License-Identifier: GPL-2.0
# Fewer results than planned are a failure, even with exit status 0.
# kernels: 6.1
# expect: FAIL
# cause: 2 tests were planned, 1 reported
echo "KTAP version 1"
echo "1..2"
echo "ok 1 - the first"
