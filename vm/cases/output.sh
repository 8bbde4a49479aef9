# SPDX-License-Identifier: GPL-2.0
# Much output of all byte values on both streams; init's count must agree with the host's.
. /case/ktap
plan 2
equal "standard input is empty" "$(cat)" ""
head -c 32768 /dev/urandom >&2
head -c 8192 /dev/zero | tr '\0' '#'
echo
check "the end of it arrives" true
