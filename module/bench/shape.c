// SPDX-License-Identifier: GPL-2.0
/* The fast path alone: check/shape looks at its instructions. */
#include "bench.h"
#include "raceless.h"

notrace struct raceless_provider *shape_tryget(struct raceless_slot *slot)
{
	return raceless_tryget(slot);
}

notrace void shape_put(struct raceless_provider *provider)
{
	raceless_put(provider);
}
