# SPDX-License-Identifier: GPL-2.0
# BPF with raceless.ko under load: its numbers are those of /proc/raceless; events, drops, pins.
# needs: raceless
# files: build/cmake/bin/bpf_guest_test:/usr/bin/bpf_guest_test
# timeout: 180
bpf_guest_test --gtest_filter="${ONLY:-Registry.*}"
