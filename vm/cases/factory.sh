# SPDX-License-Identifier: GPL-2.0
# A storm on the factory: instances that are created and destroyed, with their memory, far faster than
# modules can be loaded; freed memory is poisoned.
# needs: raceless
# smp: 4
# memory: 1024
# append: slub_debug=FZPU
# timeout: 180
. /case/ktap
plan 5
run=/results/factory/run.json
check "a storm on the factory keeps the promises" \
  raceless storm --target factory --duration 5s --seed 1 --leak-check 300 --output /results/factory
count() { sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" "$run" | head -n 1; }
check "parts were destroyed" test "$(count 'destroy ok')" -gt 0
check "kept ones came back in place" test "$(count registry_flights_in_place)" -gt 0
check "who did not wait found some absent" test "$(count absent)" -gt 0
check "counters and plan agree" raceless audit run --output /results
