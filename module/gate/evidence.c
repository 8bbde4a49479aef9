// SPDX-License-Identifier: GPL-2.0
/*
 * Evidence: whether what a call met, as BPF has seen it, is a race that a deleted
 * module had its part in.
 */
#include <linux/ktime.h>

#include "gate.h"

/* Did a module that was being deleted make the call fail? */
bool raceless_gate_raced(const struct raceless_gate_evidence *evidence)
{
	if (evidence->met & RACELESS_GATE_MET_GET)
		return true;
	if (evidence->met & RACELESS_GATE_MET_NOTHING)
		return raceless_gate_any_dying() ||
		       raceless_gate_deleted_since("", ktime_get_ns() - RACELESS_GATE_NEAR_NS);
	if (evidence->syscall == RACELESS_GATE_FINIT_MODULE ||
	    evidence->syscall == RACELESS_GATE_INIT_MODULE) {
		/* an init that failed fails everybody who waited for it */
		if (evidence->met & RACELESS_GATE_MET_INIT)
			return false;
		/*
		 * The loader waits by itself for a module that is being taken
		 * apart (UNFORMED), and a signal ends that wait as it does ours;
		 * so it does the wait for a load that does, whose result is shared.
		 */
		if (evidence->error != -EBUSY && evidence->error != -ERESTARTSYS &&
		    evidence->error != -EINTR)
			return false;
		return (evidence->met & RACELESS_GATE_MET_DYING) ||
		       (evidence->module[0] &&
			raceless_gate_deleted_since(evidence->module,
						    evidence->since_ns));
	}
	if (!(evidence->met & RACELESS_GATE_MET_REQUEST))
		return false;
	if (!(evidence->met & (RACELESS_GATE_MET_LOADED |
			       RACELESS_GATE_MET_LOAD_FAILED))) {
		raceless_gate_count(GATE_MISSING, NULL, evidence->syscall);
		return false;
	}
	/* its modprobe met a module that was going, and gone before we look */
	if ((evidence->met & RACELESS_GATE_MET_LOAD_FAILED) &&
	    (evidence->met & RACELESS_GATE_MET_LOAD_DYING))
		return true;
	/* which module it wants is known, if its modprobe had to do with one alone */
	if (evidence->module[0])
		return raceless_gate_module_dying(evidence->module) ||
		       raceless_gate_deleted_since(evidence->module,
						   evidence->since_ns);
	/* in this order: one that goes is in the list until it counts as deleted */
	return (evidence->met & RACELESS_GATE_MET_DYING) ||
	       raceless_gate_any_dying() ||
	       raceless_gate_deleted_since("", evidence->since_ns);
}
