# SPDX-License-Identifier: GPL-2.0
# A command that dies of a signal has the status that a shell would give it.
# kernels: 6.1
# expect: FAIL
# cause: exit status 139
kill -SEGV $$
