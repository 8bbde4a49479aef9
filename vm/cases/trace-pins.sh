# SPDX-License-Identifier: GPL-2.0
# raceless trace removes what a dead run of its own has pinned, and nobody else's.
# needs: raceless
# modules: dummy
# programs: bpftool
# timeout: 120
. /case/ktap
plan 6
pins=/sys/fs/bpf/raceless
pin() { bpftool map create "$pins/$1" type array key 4 value 4 entries 1 name other; }
mkdir $pins
pin link_other
refuse "somebody else's pin is not taken for one of its own" raceless trace --duration 1s
check "which it says" says "'link_other' there is not of raceless" 4 raceless trace --duration 1s
check "and the pin is there" rm $pins/link_other
pin link_modules_on_module_load
check "one of a dead run is" raceless trace --duration 1s
refuse "and is gone" test -e $pins
pins=/sys/fs/bpf
pin prog_other
check "a slash behind the file system's root does not make that the folder" sh -c \
  "raceless trace --duration 1s --pins $pins/ 2>/dev/null; test -e $pins/prog_other"
