# SPDX-License-Identifier: GPL-2.0
# The same short storm on the resource of each lifecycle policy: what each claims must hold, and what
# tells them apart must show.
# needs: raceless
# smp: 4
# memory: 1024
# append: slub_debug=FZPU
# timeout: 240
. /case/ktap
plan 9
check "each policy holds what it claims" \
  raceless policies --duration 4s --seed 1 --output /results/policies
of() { sed -n "s/.*\"$2\":\([0-9]*\).*/\1/p" "/results/policies/$1/run.json" | head -n 1; }
equal "three-point fails no use" "$(of three-point user_failures)" 0
check "four-point turns back" test "$(of four-point policy_revivals)" -gt 0
equal "three-point never does" "$(of three-point policy_revivals)" 0
check "legacy refuses an unload" test "$(of legacy 'unload EBUSY')" -gt 0
check "counters and plans agree" raceless audit run --output /results
refuse "the command knows no other policy" raceless policies --policy five-point
modprobe raceless_policies
refuse "neither does the kernel" sh -c 'echo five-point >/dev/raceless_policies'
equal "which says what there is" "$(dmesg | sed -n "s/.*'five-point'; there are: //p")" \
  "$(tr '\n' ' ' </dev/raceless_policies)"
rmmod raceless_policies
