# SPDX-License-Identifier: GPL-2.0
# A thousand who wait, ten thousand who are killed: module/tests/crowd_test.cpp.
# needs: raceless
# files: build/cmake/bin/registry_test:/usr/bin/registry_test
# smp: 2
# memory: 1024
# timeout: 900
# append: slub_debug=FZPU
registry_test --gtest_filter="${ONLY:-Crowd.*}"
