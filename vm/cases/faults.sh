# SPDX-License-Identifier: GPL-2.0
# Each allocation of the registry and of the gate fails in turn: module/tests/faults. Needs failslab.
# kernels: debug
# needs: raceless
# files: build/cmake/bin/faults_test:/usr/bin/faults_test
# memory: 1024
# timeout: 180
# append: slub_debug=FZPU
faults_test --gtest_filter="${ONLY:-*}"
