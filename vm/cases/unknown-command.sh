# SPDX-License-Identifier: GPL-2.0
# What is not in the guest is a failure with the shell's status for it.
# kernels: 6.1
# expect: FAIL
# cause: exit status 127
no-such-command
