# SPDX-License-Identifier: GPL-2.0
# Callers that are killed, and a gate that is turned off or loses its pins, at any moment while calls
# are held: module/tests/gate/kill_test.cpp. A few times; `make gate-kills` does it 1,000, 200 and 50 times.
# needs: raceless
# files: build/cmake/bin/gate_test:/usr/bin/gate_test
# smp: 2
# memory: 1024
# timeout: 3600
# allow: ^request_module fs-raceless_gated succeeded, but still no fs
# append: slub_debug=FZPU
gate_test --gtest_filter="${ONLY:-Kills.*}"
