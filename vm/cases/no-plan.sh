# SPDX-License-Identifier: GPL-2.0
# A case that says nothing proves nothing.
# expect: FAIL
# cause: no KTAP
exit 0
