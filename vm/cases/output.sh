# SPDX-License-Identifier: GPL-2.0
# Much output of all byte values on both streams; init's count must agree with the host's.
. /case/ktap
plan 2
equal "standard input is empty" "$(cat)" ""
i=0
while [ $i -lt 512 ]; do
  printf '# %b\n' "\\0$((i % 256 / 64))$((i % 64 / 8))$((i % 8))" | tr '\n' '\r' >&2
  i=$((i + 1))
done
head -c 32768 /dev/urandom | tr '\n' ' ' >&2
head -c 8192 /dev/zero | tr '\0' '#'
echo
check "the end of it arrives" true
