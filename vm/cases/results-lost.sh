# SPDX-License-Identifier: GPL-2.0
# A case that leaves results without having asked for a disk is told so.
# kernels: 6.1
# expect: INFRA
# cause: no results disk
. /case/ktap
plan 1
check "results can be written" touch /results/x
