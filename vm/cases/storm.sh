# SPDX-License-Identifier: GPL-2.0
# A short storm on each provider of the project: the whole chain in one guest, which tells who
# allocated what; and one plan twice.
# needs: raceless
# programs: bpftool
# smp: 2
# memory: 1024
# append: slub_debug=FZPU
# timeout: 180
. /case/ktap
plan 9
for target in null codec chaos; do
  check "a storm on $target keeps the promises" \
    raceless storm --target "$target" --duration 4s --seed 1 --output "/results/$target" \
    --maps "/sys/fs/bpf/storm-$target"
done
for twin in a b; do
  check "a storm of the same plan, $twin" \
    raceless storm --target null --duration 2s --seed 7 --output "/results/twin-$twin"
done
verdicts=$(grep -ho '"result": *"[a-z]*"' /results/*/run.json | tr -d ' ' | sort | uniq -c | tr -s ' ')
equal "every run.json says so too" "$verdicts" ' 5 "result":"pass"'
check "maps, counters and plans agree in each run" raceless audit run --output /results
plan_of() { raceless storm --target null --seed "$1" --print-plan 100; }
equal "the plan is the same each time" "$(plan_of 7 | sha256sum)" "$(plan_of 7 | sha256sum)"
mkdir /tmp/other
sed 's/"seed":7/"seed":8/' /results/twin-a/run.json >/tmp/other/run.json
refuse "what was done is no plan of another seed" raceless audit run --output /tmp/other
