// SPDX-License-Identifier: GPL-2.0
// Before slab objects are counted.
#ifndef RACELESS_CONTROLLER_LEAKS_SHRINKING_H
#define RACELESS_CONTROLLER_LEAKS_SHRINKING_H

namespace raceless {

// The slabs that a CPU has for itself count as in use, whole. Gives them back, so that the free
// objects in them are no leak. Not for caches that have gone since, or were merged with others.
void shrink_slab_caches();

}  // namespace raceless

#endif
