# SPDX-License-Identifier: GPL-2.0
# BPF without raceless.ko: loads, unloads and failures of stock modules, with their causes, and holders.
# needs: raceless
# modules: dummy kcm algif_hash configfs
# files: build/cmake/bin/bpf_guest_test:/usr/bin/bpf_guest_test
# timeout: 180
bpf_guest_test --gtest_filter="${ONLY:-Modules.*:Causes.*:Holders.*}"
