# SPDX-License-Identifier: GPL-2.0
# raceless trace: a call that failed of what it was given is not said to have failed of a module.
# needs: raceless
# modules: dummy loop romfs
# programs: jq
# timeout: 120
. /case/ktap
plan 3
modprobe loop
mkdir /tmp/mnt
head -c 65536 /dev/zero >/tmp/zeros
losetup /dev/loop0 /tmp/zeros
raceless trace --json >/tmp/lines 2>/tmp/said &
tracer=$!
until grep -q '"begin"' /tmp/lines || ! kill -0 $tracer; do sleep 0.05; done
check "an image of no file system is not mounted" says 'Invalid argument' 255 mount -t romfs /dev/loop0 /tmp/mnt
mount -t nosuchfs none /tmp/mnt 2>/dev/null
kill -INT $tracer
wait $tracer
equal "its module was loaded" "$(tail -n 1 /tmp/lines | jq -c .modules.romfs.loads)" '{"ok":1}'
equal "and is not what failed" "$(tail -n 1 /tmp/lines | jq -c '[.modules[].failed_calls[] | [.call, .error, .cause]]')" \
  '[["mount","ENODEV","missing"]]'
