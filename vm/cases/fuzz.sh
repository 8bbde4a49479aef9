# SPDX-License-Identifier: GPL-2.0
# Calls of all kinds on /dev/raceless, half of them by root, half by nobody: module/tests/fuzz. A short
# time of it; `make fuzz` makes 1,000,000. CALLS= says how many, SEED= makes the same ones again,
# ONLY=PATTERN runs some tests.
# needs: raceless
# files: build/cmake/bin/fuzz:/usr/bin/fuzz
# smp: 2
# memory: 1024
# timeout: 14400
# append: slub_debug=FZPU
fuzz --gtest_filter="${ONLY:-*}" --calls $((${CALLS:-12000} / 2)) ${SEED:+--seed "$SEED"}
