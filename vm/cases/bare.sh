# SPDX-License-Identifier: GPL-2.0
# A guest that gets nothing but init and busybox.
# timeout: 30
. /case/ktap
plan 4
equal "init is PID 1 of this kernel" "$(cat /proc/1/comm)" init
check "the temporary folder is writable" touch /tmp/x
check "no module is loaded" test ! -s /proc/modules
check "the kernel is untainted" grep -qx 0 /proc/sys/kernel/tainted
