# SPDX-License-Identifier: GPL-2.0
# The front door. `make help` lists it; the work is done by scripts, each of which can be run alone.
# make turns every failure into its own exit code 2; the script's code stands in make's last line
# ("Error 4") and in the verdict line. Call vm/storm itself where the code matters.
MAKEFLAGS += --no-print-directory --no-builtin-rules
.DEFAULT_GOAL := help
.PHONY: help storm soak foreign replay vm-test mutants perturb gate-storms gate-kills crowd fuzz kernel-patch model bench
.PHONY: dashboard dashboard-test screenshot vm-shell build test check clean dependencies check-dependencies

# From the command line or the environment; empty means the default that `make help` names.
export RUN GDB RECORD KERNEL KDIR SMP DURATION SEED TARGET MODULE WORKLOAD CASE JOBS V INSTALL
export MUTANT SAMPLE CONTROL PERTURB PART USES CELL GATE TEST CALLS

help:
	@vm/help

storm: dependencies
	@vm/storm

soak: dependencies
	@vm/soak

foreign: dependencies
	@vm/foreign/run

vm-test: dependencies
	@vm/test

mutants: dependencies
	@vm/mutants/run

perturb: dependencies
	@vm/perturb

gate-storms: dependencies
	@vm/gate-storms

# The long form of vm/cases/gate-kills.sh.
gate-kills: dependencies
	@vm/build "$${KERNEL:-6.12}" >/dev/null
	@vm/run -k "$${KERNEL:-6.12}" -t 14400 --case vm/cases/gate-kills.sh -e KILLS=1000 -e OFFS=200 -e PINS=50

# The long form of vm/cases/crowd.sh.
crowd: dependencies
	@vm/build "$${KERNEL:-6.12}" >/dev/null
	@vm/run -k "$${KERNEL:-6.12}" --case vm/cases/crowd.sh -e KILLS=10000

# The long form of vm/cases/fuzz.sh.
fuzz: dependencies
	@vm/build "$${KERNEL:-6.12}" raceless raceless-vm init fuzz >/dev/null
	@vm/run -k "$${KERNEL:-6.12}" --case vm/cases/fuzz.sh -e CALLS="$${CALLS:-1000000}" -e SEED="$$SEED"

kernel-patch: dependencies
	@vm/kernel-patch

model:
	@model/run

bench: dependencies
	@bench/run

dashboard:
	@dashboard/last

dashboard-test:
	@dashboard/test

screenshot:
	@dashboard/screenshot

replay: dependencies
	@vm/run --replay "$${RUN:?RUN=runs/FOLDER of a recorded run}" $${GDB:+--gdb "$$GDB"}

vm-shell: dependencies
	@vm/build "$${KERNEL:-6.12}" raceless raceless-vm init >/dev/null
	@vm/run -k "$${KERNEL:-6.12}" -s "$${SMP:-2}" -m all -t 0 -i

build: dependencies
	@set -e; for kernel in $${KERNEL:-6.1 6.12}; do vm/build "$$kernel" >/dev/null; done

test: dependencies
	@vm/build -
	@ctest --test-dir build/cmake --output-on-failure --no-tests=error >build/ctest.log 2>&1 \
	  || { cat build/ctest.log; exit 1; }
	@grep 'tests passed' build/ctest.log

check: check-dependencies
	@check/all

clean:
	rm -rf build compile_commands.json

dependencies:
	@vm/dependencies run

check-dependencies:
	@vm/dependencies run check
