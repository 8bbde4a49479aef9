# SPDX-License-Identifier: GPL-2.0
# A thousand who wait, two thousand waits and two hundred unloads that are killed: module/tests/crowd_test.cpp.
# `make crowd` kills 10,000 and 1,000.
# needs: raceless
# files: build/cmake/bin/registry_test:/usr/bin/registry_test
# smp: 2
# memory: 1024
# timeout: 3600
# append: slub_debug=FZPU
registry_test --gtest_filter="${ONLY:-Crowd.*}"
