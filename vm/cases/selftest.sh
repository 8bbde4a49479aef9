# SPDX-License-Identifier: GPL-2.0
# The promises one by one, inside the kernel: module/selftest. ONLY=NAME runs one test.
# needs: raceless
# smp: 2
# memory: 1024
# timeout: 120
# append: slub_debug=FZP
mkdir -p /etc/modprobe.d
cat >/etc/modprobe.d/selftest.conf <<'END'
install raceless-selftest_silent /bin/true
install raceless-selftest_gated echo 1 >/sys/module/raceless_selftest/parameters/modprobe
END
# As in hotplug.sh: one test takes a CPU away.
for runtime in /sys/kernel/debug/sched/fair_server/cpu*/runtime; do
  [ ! -e "$runtime" ] || echo 0 >"$runtime"
done
modprobe raceless_selftest ${ONLY:+only="$ONLY"} || exit 1
dmesg | sed 's/^\[[^]]*\] //' | grep -E '^(KTAP version|1\.\.|ok |not ok |# )'
rmmod raceless_selftest && rmmod raceless
