# SPDX-License-Identifier: GPL-2.0
# One version of a provider replaces another, both ways: by command, with every answer that the
# command has, and under a storm of consumers, none of which may fail.
# needs: raceless
# smp: 2
# memory: 1024
# append: slub_debug=FZPU
# timeout: 180
. /case/ktap
plan 22
old=raceless_sample_null
new=raceless_sample_null_next
owner() { awk '$1 == "null" { print $2, $4, $16 }' /proc/raceless; }
total() { awk -v key="$1" '$2 == "total" && $3 == key { print $4 }' /proc/raceless; }
loaded() { awk '/^raceless_sample/ { print $1 }' /proc/modules; }
answer() { raceless load "$@" >/tmp/out 2>&1; echo $?; }

modprobe raceless
equal "nobody to replace" "$(answer $new --replace null)" 4
check "a provider is loaded by its name" raceless load null
equal "it serves" "$(owner)" "live $old -"
equal "side by side, the new one fails: as if nothing had been" \
  "$(answer $new --replace null --side-by-side --options fail=5) $(owner) $(loaded)" \
  "1 live $old - $old"
equal "which is counted" "$(total replace_failures) $(total unloads)" "1 0"
check "side by side" raceless load $new --replace null
equal "the new one serves, the old one is gone" "$(owner) $(loaded)" "live $new - $new"
equal "which is counted, and nobody slept" \
  "$(total replacements) $(total waits) $(total dozes)" "1 0 0"
equal "one with an alias is refused side by side" \
  "$(answer $old --replace null --side-by-side) $(owner)" "2 live $new -"
check "it says why" grep -q "carries the alias raceless-null" /tmp/out
equal "so is one of the same name" "$(answer $new --replace null --side-by-side)" 2
equal "and one that provides another name" \
  "$(answer raceless_sample_codec --replace null) $(owner)" "2 live $new -"
equal "and a file that is not there" "$(answer /tmp/no.ko --replace null)" 4
check "through unload and load" raceless load $old --replace null --through
equal "the other one serves" "$(owner) $(loaded)" "live $old - $old"
equal "through, the new one fails: the name is lost" \
  "$(answer $new --replace null --through --options fail=5) $(loaded)" "1 "
check "it says so" grep -q "null is lost" /tmp/out
for way in through side-by-side; do
  check "a storm of replacements, $way" \
    raceless storm --target "replace:$way" --duration 8s --seed 1 --leak-check 50 --output "/results/$way"
  check "in which both versions served" sh -c \
    "! grep -o '\"served_by_version_[12]\":0[,}]' /results/$way/run.json"
done
check "maps, counters and plans agree in each run" raceless audit run --output /results
