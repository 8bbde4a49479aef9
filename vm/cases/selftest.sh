# SPDX-License-Identifier: GPL-2.0
# The promises one by one, inside the kernel: module/selftest.
# needs: raceless
# smp: 2
# timeout: 120
mkdir -p /etc/modprobe.d
echo "install raceless-selftest_silent /bin/true" >/etc/modprobe.d/selftest.conf
modprobe raceless_selftest || exit 1
dmesg | sed 's/^\[[^]]*\] //' | grep -E '^(KTAP version|1\.\.|ok |not ok |# )'
rmmod raceless_selftest && rmmod raceless
