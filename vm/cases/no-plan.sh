# SPDX-License-Identifier: GPL-2.0
# A case that says nothing proves nothing.
# kernels: 6.1
# expect: FAIL
# cause: no KTAP
exit 0
