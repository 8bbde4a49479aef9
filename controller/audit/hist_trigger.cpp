// SPDX-License-Identifier: GPL-2.0
#include "audit/hist_trigger.h"

#include <fcntl.h>
#include <unistd.h>

#include <optional>
#include <sstream>

#include "file_descriptor.h"
#include "numbers.h"
#include "text_file.h"

namespace raceless {

namespace {

constexpr const char* kEvents = "/sys/kernel/tracing/events/";

// "{ name: raceless     } hitcount:         35"
bool add_entry(const std::vector<std::string>& words, HistTrigger& trigger) {
  if (words.size() != 6 || words[3] != "}" || words[4] != "hitcount:") return false;
  const std::optional<std::uint64_t> hits = to_number(words[5]);
  return hits && trigger.hits.emplace(words[2], *hits).second;
}

}  // namespace

Status HistTrigger::arm(const std::string& event, const std::string& key) {
  const std::string path = kEvents + event + "/trigger";
  const std::string trigger = "hist:keys=" + key;
  const FileDescriptor file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (file.get() < 0) return fail_errno("cannot open " + path);
  if (write(file.get(), trigger.data(), trigger.size()) < 0)
    return fail_errno("cannot write '" + trigger + "' to " + path);
  return {};
}

Result<HistTrigger> HistTrigger::read(const std::string& event) {
  const Result<std::string> text = read_text(kEvents + event + "/hist");
  if (!text) return tl::unexpected(text.error());
  return parse(*text);
}

Result<HistTrigger> HistTrigger::parse(std::string_view text) {
  HistTrigger trigger;
  std::optional<std::uint64_t> total;
  std::optional<std::uint64_t> dropped;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    const std::vector<std::string> words = split_words(line);
    if (words.empty() || words[0] == "#") continue;
    if (words[0] == "{" && !add_entry(words, trigger))
      return fail(EPROTO, "a histogram trigger has a line that makes no sense: '" + line + "'");
    if (words[0] == "Hits:" && words.size() == 2) total = to_number(words[1]);
    if (words[0] == "Dropped:" && words.size() == 2) dropped = to_number(words[1]);
  }
  if (!total || !dropped) return fail(EPROTO, "a histogram trigger does not add up its hits");
  trigger.total = *total;
  trigger.dropped = *dropped;
  return trigger;
}

std::uint64_t HistTrigger::of(const std::string& key) const {
  const auto found = hits.find(key);
  return found == hits.end() ? 0 : found->second;
}

}  // namespace raceless
