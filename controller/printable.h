// SPDX-License-Identifier: GPL-2.0
// Names of the kernel and of other users' processes, made fit for what reads them. A task calls
// itself, and asks for modules, by any bytes.
#ifndef RACELESS_CONTROLLER_PRINTABLE_H
#define RACELESS_CONTROLLER_PRINTABLE_H

#include <string>
#include <string_view>

namespace raceless {

// UTF-8: each byte that belongs to no character is \xff, so that what differs still does.
[[nodiscard]] std::string to_utf8(std::string_view bytes);

// The same on one line, for a terminal: what would move its cursor or do worse is \x1b.
[[nodiscard]] std::string printable(std::string_view bytes);

// One word of a shell's line, whatever is in it.
[[nodiscard]] std::string shell_quoted(std::string_view word);

}  // namespace raceless

#endif
