# SPDX-License-Identifier: GPL-2.0
# Callers that are killed, and a gate that is turned off or loses its pins, at any moment while calls
# are held: module/tests/gate/kill_test.cpp. A few times; `make gate-kills` does it 1,000, 200 and 50 times.
# Without pins each program is detached in a worker of its own, one at a time, behind ftrace's direct_mutex: the last of 40
# waits longer than the 10 s after which a task counts as hung elsewhere.
# needs: raceless
# files: build/cmake/bin/gate_test:/usr/bin/gate_test
# smp: 2
# memory: 1024
# timeout: 3600
# allow: ^request_module fs-raceless_gated succeeded, but still no fs
# append: slub_debug=FZPU sysctl.kernel.hung_task_timeout_secs=60
gate_test --gtest_filter="${ONLY:-Kills.*}"
