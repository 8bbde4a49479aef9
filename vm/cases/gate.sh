# SPDX-License-Identifier: GPL-2.0
# The gate, step by step, on a module that comes and goes as the tests like: module/tests/gate.
# ONLY=PATTERN runs some. The limit for hung tasks is that of gate-kills.sh, which says why.
# needs: raceless
# modules: dummy
# files: build/cmake/bin/gate_test:/usr/bin/gate_test
# smp: 2
# memory: 1024
# timeout: 480
# allow: ^request_module fs-raceless_(gated|nothing) succeeded, but still no fs
# append: slub_debug=FZPU sysctl.kernel.hung_task_timeout_secs=60
gate_test --gtest_filter="${ONLY:-*-Kills.*}"
