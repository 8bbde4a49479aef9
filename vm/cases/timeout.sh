# SPDX-License-Identifier: GPL-2.0
# A case that does not end is ended.
# timeout: 3
# expect: TIMEOUT
# cause: no end after [0-9]+ s
sleep 1000
