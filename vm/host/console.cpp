// SPDX-License-Identifier: GPL-2.0
#include "console.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "../wire.h"
#include "process.h"
#include "splats.h"

namespace raceless::vm {
namespace {

constexpr std::string_view panic_text = "Kernel panic - not syncing";

}  // namespace

void Console::follow() {
  Fd fd(open(file_.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return;
  char buffer[65536];
  for (ssize_t n; !flooded() &&
                  (n = pread(fd.get(), buffer, sizeof buffer, static_cast<off_t>(offset_))) > 0;) {
    offset_ += static_cast<std::size_t>(n);
    tail_.append(buffer, static_cast<std::size_t>(n));
    if (tail_.find(panic_text) != std::string::npos) panicked_ = true;
    if (tail_.find(wire::dump_marker) != std::string::npos) dumped_ = true;
    constexpr std::size_t longest = std::max(panic_text.size(), wire::dump_marker.size());
    if (tail_.size() > longest) tail_.erase(0, tail_.size() - longest);
  }
}

std::string read_console(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::error_code absent;
  std::uintmax_t size = std::filesystem::file_size(file, absent);
  std::string text(absent ? 0 : std::min<std::uintmax_t>(size, Console::limit_bytes), '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

std::string where_stuck(std::string_view dump) {
  constexpr std::string_view rip = "RIP: 0010:";
  constexpr std::string_view task = "task:";
  std::string blocked;
  bool nmi = false;
  while (!dump.empty()) {
    std::size_t end = std::min(dump.find('\n'), dump.size());
    std::string message = message_of(dump.substr(0, end));
    dump.remove_prefix(std::min(end + 1, dump.size()));
    if (message.starts_with("Kernel panic - not syncing: NMI")) nmi = true;
    if (nmi && message.starts_with(rip)) return "stuck in " + message.substr(rip.size());
    // "task:insmod          state:D stack:0     pid:140 …"
    if (message.starts_with(task) && message.find(" state:D ") != std::string::npos)
      blocked += (blocked.empty() ? "blocked: " : ", ") +
                 message.substr(task.size(), message.find(' ') - task.size());
  }
  return blocked;
}

std::string last_line(std::string_view log) {
  // A guest that was killed leaves half a line.
  if (std::size_t end = log.rfind('\n'); end != std::string_view::npos) log = log.substr(0, end);
  while (!log.empty()) {
    std::size_t end = log.find_last_not_of("\r\n \t");
    if (end == std::string_view::npos) return {};
    log = log.substr(0, end + 1);
    std::size_t start = log.rfind('\n');
    return message_of(log.substr(start == std::string_view::npos ? 0 : start + 1));
  }
  return {};
}

}  // namespace raceless::vm
