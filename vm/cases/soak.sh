# SPDX-License-Identifier: GPL-2.0
# A short soak: storms in turn, again and again, and what is left at rest does not grow.
# needs: raceless
# smp: 2
# memory: 1024
# timeout: 900
. /case/ktap
plan 5
check "a short soak passes" raceless soak --target factory --target null --rounds 7 --turn 2s \
  --duration 800s --trace-every 0 --seed 1 --output /results/soak
page=/results/soak/soak.txt
check "its page says so" grep -q '^verdict: pass' "$page"
equal "both targets were stormed" "$(grep -cE '^(factory|null) +7 ' "$page")" 2
check "what the registry has left is flat" grep -qE '^slots .* flat' "$page"
refuse "there is no soak of a target that is none" raceless soak --target nothing
