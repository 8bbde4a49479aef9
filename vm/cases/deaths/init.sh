# SPDX-License-Identifier: GPL-2.0
# Init is frozen, all else is well: nobody answers the host.
# smp: 1
# memory: 256
# timeout: 5
# expect: TIMEOUT
# cause: no end after [0-9]+ s; init does not answer, though a CPU was idle
echo "KTAP version 1"
echo "1..1"
echo "ok 1 - all is well"
mkdir /sys/fs/cgroup/cold
echo 1 >/sys/fs/cgroup/cold/cgroup.procs
echo 1 >/sys/fs/cgroup/cold/cgroup.freeze
