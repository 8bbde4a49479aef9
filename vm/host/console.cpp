// SPDX-License-Identifier: GPL-2.0
#include "console.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>

#include "../wire.h"
#include "process.h"
#include "splats.h"

namespace raceless::vm {
namespace {

constexpr std::string_view panic_text = "Kernel panic - not syncing";

// Takes the first line off the log.
std::string next_message(std::string_view& log) {
  std::size_t end = std::min(log.find('\n'), log.size());
  std::string message = message_of(log.substr(0, end));
  log.remove_prefix(std::min(end + 1, log.size()));
  return message;
}

// Where a CPU waits that has nothing to do.
bool is_idle(std::string_view place) {
  constexpr std::string_view names[] = {"default_idle+", "native_safe_halt+",
                                        "pv_native_safe_halt+", "mwait_idle+", "acpi_safe_halt+"};
  return std::any_of(std::begin(names), std::end(names),
                     [&](std::string_view name) { return place.starts_with(name); });
}

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
  constexpr std::string_view task = "task:";
  std::string blocked;
  bool nmi = false;
  bool task_open = false;  // it is blocked, and no module was met in its trace yet
  while (!dump.empty()) {
    std::string message = next_message(dump);
    std::string place = code_place(message);
    if (message.starts_with("Kernel panic - not syncing: NMI")) nmi = true;
    if (nmi && message.starts_with("RIP: 0010:"))
      return is_idle(place) ? "init does not answer, though a CPU was idle" : "stuck in " + place;
    // "task:insmod          state:D stack:0     pid:140 …"
    if (message.starts_with(task)) {
      task_open = message.find(" state:D ") != std::string::npos;
      if (task_open)
        blocked += (blocked.empty() ? "blocked: " : ", ") +
                   message.substr(task.size(), message.find(' ') - task.size());
    } else if (task_open && place.ends_with(']')) {
      blocked += " in " + place;
      task_open = false;
    }
  }
  return blocked;
}

std::string most_said(std::string_view log) {
  struct Said {
    std::size_t bytes = 0;
    std::string example;
  };
  std::map<std::string, Said> all;
  std::size_t whole = log.size();
  while (!log.empty()) {
    std::size_t before = log.size();
    std::string message = next_message(log);
    std::string words;
    for (char c : message)
      if (c < '0' || c > '9') words += c;
    Said& said = all[words];
    said.bytes += before - log.size();
    if (said.example.empty()) said.example = message;
  }
  auto most = std::max_element(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return a.second.bytes < b.second.bytes;
  });
  if (most == all.end()) return "nothing";
  return fmt::format("{} % of it: {}", most->second.bytes * 100 / whole, most->second.example);
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
