# SPDX-License-Identifier: GPL-2.0
# The registry as users see it: module/tests. ONLY=PATTERN runs some.
# needs: raceless
# files: build/cmake/bin/registry_test:/usr/bin/registry_test
# smp: 2
# memory: 1024
# timeout: 300
# append: slub_debug=FZPU
registry_test --gtest_filter="${ONLY:--Crowd.*}"
