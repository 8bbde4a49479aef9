# SPDX-License-Identifier: GPL-2.0
# Each allocation of the registry and of the gate fails in turn: module/tests/faults. Needs failslab. The
# kernel shows by which way a slab cache was asked for that it could not make, and that sysfs had no memory for
# it; a bug has a line of its own.
# kernels: debug
# needs: raceless
# files: build/cmake/bin/faults_test:/usr/bin/faults_test
# memory: 1024
# timeout: 300
# append: slub_debug=FZPU
# allow: ^(Call Trace:|kobject: kobject_add_internal failed for raceless_[a-z]+ \(error: -12)
faults_test --gtest_filter="${ONLY:-*}"
