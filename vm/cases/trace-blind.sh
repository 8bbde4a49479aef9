# SPDX-License-Identifier: GPL-2.0
# raceless trace where raceless.ko does not describe its types, or where ftrace is off: what it cannot see is not
# said to be idle.
# needs: raceless
# programs: jq
# timeout: 120
. /case/ktap
plan 4
modprobe raceless
mkdir /tmp/btf
touch /tmp/btf/vmlinux
mount --bind /sys/kernel/btf/vmlinux /tmp/btf/vmlinux
blind() { unshare -m sh -c 'mount --rbind /tmp/btf /sys/kernel/btf && exec "$@"' - "$@"; }
blind raceless trace --duration 1s >/tmp/said 2>&1
check "a trace without the registry says so" grep "without the registry's tracepoints" /tmp/said
refuse "and says nothing of what happened in it" grep 'registry: ' /tmp/said
blind raceless trace --json --duration 1s >/tmp/lines
equal "nor in JSON" "$(jq -c 'select(.type == "begin") | .registry' /tmp/lines)" false

sysctl -q -w kernel.ftrace_enabled=0
raceless trace --duration 1s >/tmp/off 2>&1
sysctl -q -w kernel.ftrace_enabled=1
check "a trace without ftrace says so" grep 'without all programs at functions: ftrace is off' /tmp/off
