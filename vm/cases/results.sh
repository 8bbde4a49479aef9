# SPDX-License-Identifier: GPL-2.0
# Eight megabytes in the results folder come back to the host.
# needs: results
. /case/ktap
plan 3
equal "the variable names the folder" "$RACELESS_RESULTS" /results
check "a folder can be made in it" mkdir /results/sub
check "a large file fits" dd if=/dev/urandom of=/results/sub/random bs=1M count=8
