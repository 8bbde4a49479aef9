// SPDX-License-Identifier: GPL-2.0
// The kernel's slab caches.
#pragma once

namespace raceless::guest {

// Lets the kernel look through all objects of all caches that it debugs (slub_debug= on its command
// line), freed ones and those in use: whatever wrote where it must not is reported in the log now,
// and not when somebody happens to meet that object again. Of other caches it refuses to.
void validate_slabs();

}  // namespace raceless::guest
