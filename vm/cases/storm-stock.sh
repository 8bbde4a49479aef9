# SPDX-License-Identifier: GPL-2.0
# Short storms on stock modules: user-visible failures are counted and are no broken promises.
# needs: raceless
# modules: dummy configfs
# allow: ^request_module fs-.* succeeded, but still no fs
# memory: 1024
# timeout: 180
. /case/ktap
plan 4
for target in load:dummy mount:configfs; do
  check "a storm on $target runs to its end" \
    raceless storm --target "$target" --duration 4s --seed 1 --output "/results/$target"
  check "its failures are counted" grep -q '"user_failures"' "/results/$target/run.json"
done
