# SPDX-License-Identifier: GPL-2.0
# A short storm on each provider of the project: the whole chain in one guest, which tells who
# allocated what.
# needs: raceless
# smp: 2
# memory: 1024
# append: slub_debug=FZPU
# timeout: 180
. /case/ktap
plan 4
for target in null codec chaos; do
  check "a storm on $target keeps the promises" \
    raceless storm --target "$target" --duration 4s --seed 1 --output "/results/$target"
done
verdicts=$(grep -ho '"result": *"[a-z]*"' /results/*/run.json | tr -d ' ' | sort | uniq -c | tr -s ' ')
equal "every run.json says so too" "$verdicts" ' 3 "result":"pass"'
