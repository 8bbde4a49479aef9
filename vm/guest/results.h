// SPDX-License-Identifier: GPL-2.0
// What a case left in /results, on its way to the host.
#pragma once

#include "../wire.h"

namespace raceless::guest {

// Writes /results as a tar to the results disk and sets the field `results` of the end record to
// `none` (the folder is empty), `saved`, or `lost: why`.
void save_results(const wire::Fields& options, wire::Fields& end);

}  // namespace raceless::guest
