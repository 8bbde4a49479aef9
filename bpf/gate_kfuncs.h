/* SPDX-License-Identifier: GPL-2.0 */
/* What raceless.ko does for the gate: module/gate/kfuncs.c says what. */
#ifndef RACELESS_BPF_GATE_KFUNCS_H
#define RACELESS_BPF_GATE_KFUNCS_H

#include "kernel.h"

#include "../module/uapi/gate.h"

int raceless_gate_request(void) __ksym __weak;
int raceless_gate_hold(const struct raceless_gate_evidence *evidence)
	__ksym __weak;
int raceless_gate_end(long error) __ksym __weak;
void raceless_gate_delete(const struct raceless_gate_name *module, int compat) __ksym __weak;
int raceless_gate_dying(const struct raceless_gate_name *module)
	__ksym __weak;
int raceless_gate_has_files(void) __ksym __weak;
int raceless_gate_within(const struct raceless_gate_name *module,
			 const struct raceless_gate_frames *frames) __ksym __weak;
void raceless_gate_freed(void) __ksym __weak;
int raceless_gate_may_allocate(void) __ksym __weak;
void raceless_gate_opened(unsigned int open) __ksym __weak;

#endif /* RACELESS_BPF_GATE_KFUNCS_H */
