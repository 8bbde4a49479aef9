# SPDX-License-Identifier: GPL-2.0
# Every benchmark runs, once and briefly: none of them says how fast anything is.
# needs: raceless
# modules: configfs kcm
# programs: build/cmake/bin/raceless-bench
# smp: 2
# memory: 1024
# timeout: 120
. /case/ktap
plan 8
check "the benchmarks' module loads" modprobe raceless_bench
# On a kernel that looks for bugs a load and an unload may take more than that.
seconds=1
if grep -qE ' (kasan|kcsan)_' /proc/kallsyms; then seconds=5; fi
briefly="--loops=100 --names=100 --waiters=10 --seconds=$seconds --replacing-seconds=6 --benchmark_repetitions=2"
for part in pairs names waits storms replacements gate; do
  # shellcheck disable=SC2086 # words
  check "$part" raceless-bench "$part" $briefly --benchmark_out="/tmp/$part.json"
done
# Google Benchmark goes on after one that failed, and exits with 0.
failed=$(cat /tmp/*.json | grep -B 8 -A 1 '"error_occurred": true' | grep -E '"(name|error_message)"') || true
equal "none of them failed" "$failed" ""
