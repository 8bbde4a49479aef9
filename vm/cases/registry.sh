# SPDX-License-Identifier: GPL-2.0
# The registry as users see it: module/tests.
# needs: raceless
# programs: build/cmake/bin/registry_test
# smp: 2
# timeout: 300
# append: slub_debug=FZPU
registry_test
