// SPDX-License-Identifier: GPL-2.0
// Memory that the kernel has lost.
#pragma once

#include <functional>
#include <string_view>

namespace raceless::guest {

// Lets kmemleak look twice for objects to which nothing points any more, and gives each line of
// what it reports to `log`. Takes seconds, since it believes an object to be lost only at some age;
// no time at all on a kernel without it.
void find_leaks(const std::function<void(std::string_view)>& log);

}  // namespace raceless::guest
