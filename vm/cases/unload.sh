# SPDX-License-Identifier: GPL-2.0
# raceless unload: names together, held, kept, polite; what is left, and who is in the way.
# needs: raceless
# files: build/cmake/bin/holder:/usr/bin/holder
# memory: 1024
# timeout: 150
. /case/ktap
plan 28
load() { modprobe raceless_sample_null && modprobe raceless_sample_codec; }
loaded() { grep -c '^raceless_sample' /proc/modules; }
graces() { sed -n 's/^# histogram grace_ns count=\([0-9]*\).*/\1/p' /proc/raceless; }
state() { sed -n "s/^$1 \([a-z]*\) .*/\1/p" /proc/raceless; }

load
before=$(graces)
check "two names go together" says 'raceless_sample_codec removed' 0 raceless unload null codec
equal "their modules are gone" "$(loaded)" 0
equal "they shared one grace period" "$(($(graces) - before))" 1

load
check "a module can be kept" says 'raceless_sample_null kept' 0 raceless unload --keep-module null
equal "it is there" "$(loaded)" 2
holder null 1 >/tmp/ready &
back=$!
check "and its name comes back to who asks" await grep -q ready /tmp/ready
kill -9 "$back"
wait "$back" 2>/dev/null
check "nobody holds it any more" await sh -c "! grep -q ^null /proc/raceless_holders"

check "polite, and for programs" says '"error": 0' 0 raceless unload --polite --json null codec
equal "that was a normal grace period" \
  "$(sed -n 's/^grace_period_polite //p' /proc/raceless_ledger)" 1

load
raceless unload --hold null >/tmp/held 2>&1 &
holding=$!
check "a held name says so" await grep -q 'held down' /tmp/held
refuse "nobody can register it" modprobe raceless_sample_null
kill -INT "$holding"
wait "$holding"
equal "the hold ends with a signal, well" "$?" 0
check "and then it can be registered" modprobe raceless_sample_null
check "or after its time" says 'raceless_sample_null removed' 0 \
  raceless unload --hold --duration 1ms null
check "what is not there says so" says 'null: not unloaded: nothing' 1 raceless unload null codec
equal "the other one went all the same" "$(loaded)" 0

modprobe raceless_probe nr=2
check "a module that provides more stays" says 'provides probe1 too' 1 raceless unload probe0
equal "with what it provides" "$(state probe1)" live
rmmod raceless_probe

load
holder null 2 >/tmp/ready &
owner=$!
await grep -q ready /tmp/ready
check "who is in the way is named" says "null: 2 references: holder\[$owner\] 2" 1 \
  raceless unload null codec --timeout 12s
equal "the unload goes on" "$(state null)" draining
equal "and the other name was not kept waiting" "$(grep -c raceless_sample_codec /proc/modules)" 0
check "the log names it too" sh -c \
  "dmesg | grep -q 'null: 2 of them through a descriptor of holder\[$owner\]'"
kill -9 "$owner"
wait "$owner" 2>/dev/null
check "it ends with the last reference" await sh -c "grep -q \"^null gone\" /proc/raceless"
holder null 1 >/tmp/again &
owner=$!
check "and the name can be had again" await grep -q ready /tmp/again

# As on a kernel that does not describe its types.
blind() { unshare -m sh -c 'mount -t tmpfs none /sys/kernel/btf && exec "$@"' - "$@"; }
check "who cannot be asked why does not hide what has happened" says 'null: 1 reference: holder' 1 \
  blind raceless unload null --why --timeout 1s
check "and it is said" says '^raceless: --why: cannot read this kernel.s BTF' 1 \
  blind raceless unload null --why --timeout 1s
kill -9 "$owner"
wait "$owner" 2>/dev/null

check "a name that is none is wrong usage" says 'no provider name' 2 raceless unload Null
check "so is the same name twice" says 'named twice' 2 raceless unload null null
