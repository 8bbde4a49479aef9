# SPDX-License-Identifier: GPL-2.0
# raceless holders with raceless.ko: descriptors, an unload that they keep waiting, BPF; and what is
# asked for wrongly.
# needs: raceless
# modules: romfs dummy
# programs: jq
# files: vm/cases/holders/plants:/usr/lib/plants build/cmake/bin/planter:/usr/bin/planter build/cmake/bin/holder:/usr/bin/holder
# timeout: 300
. /case/ktap
. /usr/lib/plants
plan 10

# What is asked for wrongly.
modprobe romfs
check "a name that nearly is one" says 'did you mean romfs?' 2 raceless holders romfz
check "what is built in" says 'built into this kernel' 2 raceless holders binfmt_script
check "what is not loaded" says "'dummy' is not loaded" 2 raceless holders dummy
check "a file" says 'is a file' 2 raceless holders ./kcm.ko
check "without privilege" says 'needs root' 4 su nobody -s /bin/sh -c 'raceless holders romfs'

# With raceless.ko: descriptors and providers, an unload that they keep waiting, and BPF.
modprobe raceless_sample_null
holder null 3 >/tmp/ready &
owner=$!
until grep -q ready /tmp/ready; do sleep 0.05; done
ask null
tells "a provider's module, and its descriptors" ".module == \"raceless_sample_null\" and .providers == [\"null\"] and .unknown == 0 and
  (.holders | any(.references == 3 and .users[0].pid == $owner))"
check "an unload says why" says "references on null through a descriptor" 1 raceless unload null --why --timeout 2s
check "for programs, too" sh -c "raceless unload null --why --json --timeout 2s |
  jq -e '.why.raceless_sample_null.holders | any(.users[0].pid == $owner)'"
kill -9 $owner
wait $owner
until [ "$(cat /sys/module/raceless_sample_null/refcnt)" = 0 ]; do sleep 0.05; done
raceless trace --no-pins >/dev/null 2>/tmp/said &
tracer=$!
until grep -q tracing /tmp/said; do sleep 0.05; done
ask raceless
tells "who traces it" ".unknown == 0 and (.holders | map(select(.kind == \"bpf\" and .users[0].pid == $tracer)) | length > 5)"
kill $tracer
wait $tracer
raceless gate on >/dev/null
ask raceless
tells "programs that are pinned" '.unknown == 0 and (.holders | any(.kind == "bpf" and .users == [] and (.remedy | contains("pin"))))'
raceless gate off >/dev/null
slowest
