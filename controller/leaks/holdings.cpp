// SPDX-License-Identifier: GPL-2.0
#include "leaks/holdings.h"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <sstream>

#include "leaks/shrinking.h"
#include "text_file.h"

namespace raceless {

namespace {

namespace fs = std::filesystem;

constexpr uint64_t kPage = 4096;
constexpr std::string_view kTraces = "/sys/kernel/debug/slab";

uint64_t number(std::string_view text) {
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// "leak+0x1f/0x30 [mine] age=7 …": words[at], with the module if one is named.
std::string frame_at(const std::vector<std::string>& words, size_t at) {
  if (at >= words.size()) return "";
  const bool module = at + 1 < words.size() && words[at + 1].starts_with('[');
  return module ? words[at] + " " + words[at + 1] : words[at];
}

void add(Holdings& holdings, HoldingKey key, uint64_t count, uint64_t bytes) {
  Holding& holding = holdings[std::move(key)];
  holding.count += count;
  holding.bytes += bytes;
}

// One record of alloc_traces: how many, who, and the whole stack below it.
struct Record {
  uint64_t count = 0;
  std::string caller;
  std::vector<std::string> frames;
};

void add_record(const Record& record, const std::string& cache, uint64_t object_bytes,
                const TestedCode& code, Holdings& holdings) {
  const uint64_t bytes = record.count * object_bytes;
  if (const auto place = code.find(record.caller))
    return add(
        holdings,
        {place->gone ? Evidence::gone : Evidence::direct, "objects of " + cache, place->name},
        record.count, bytes);
  for (const std::string& frame : record.frames)
    if (const auto place = code.find(frame))
      return add(holdings, {Evidence::indirect, "objects of " + cache, place->name}, record.count,
                 bytes);
}

// A record begins with its count and caller, and has its stack below it:
//
//       3 set_death+0x45/0x60 [deadly] age=665/666/668 pid=88 cpus=1
//         kmalloc_trace+0x26/0x90
//         set_death+0x45/0x60 [deadly]
void add_traces(const std::string& traces, const std::string& cache, uint64_t object_bytes,
                const TestedCode& code, Holdings& holdings) {
  Record record;
  std::istringstream lines(traces);
  for (std::string line; std::getline(lines, line);) {
    const std::vector<std::string> words = split_words(line);
    if (words.empty()) continue;
    const bool head = line.find(" age=") != std::string::npos;
    if (!head) {
      record.frames.push_back(frame_at(words, 0));
      continue;
    }
    add_record(record, cache, object_bytes, code, holdings);
    record = {number(words[0]), frame_at(words, 1), {}};
  }
  add_record(record, cache, object_bytes, code, holdings);
}

}  // namespace

bool knows_slab_callers(const std::string& root) {
  std::error_code ignored;
  const fs::path traces = fs::path(root + std::string(kTraces)) / "kmalloc-64/alloc_traces";
  return fs::exists(traces, ignored);
}

void add_slab_callers(const TestedCode& code, Holdings& holdings, const std::string& root) {
  std::error_code error;
  for (const auto& cache : fs::directory_iterator(root + std::string(kTraces), error)) {
    const std::string name = cache.path().filename();
    const Result<std::string> traces = read_text(cache.path() / "alloc_traces");
    if (!traces) continue;
    const std::string size =
        first_line(fmt::format("{}/sys/kernel/slab/{}/object_size", root, name));
    add_traces(*traces, name, number(size), code, holdings);
  }
}

// "kmalloc-64  3712  3840  64  64  1 : tunables …"
void add_slab_caches(Holdings& holdings, const std::string& root) {
  std::istringstream lines(read_text(root + "/proc/slabinfo").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    const std::vector<std::string> words = split_words(line);
    if (words.size() < 4 || words[0].starts_with('#') || words[0] == "slabinfo") continue;
    // What can be reclaimed may grow until it is.
    if (first_line(root + "/sys/kernel/slab/" + words[0] + "/reclaim_account") == "1") continue;
    const uint64_t count = number(words[1]);
    add(holdings, {Evidence::cache, "objects of " + words[0], ""}, count, count * number(words[3]));
  }
}

// "0xffffc90000409000-0xffffc9000040e000   20480 leak+0x45/0x60 [mine] pages=4 vmalloc N0=4"
void add_vmalloc_areas(const TestedCode& code, Holdings& holdings, const std::string& root) {
  std::istringstream lines(read_text(root + "/proc/vmallocinfo").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    const std::vector<std::string> words = split_words(line);
    const auto place = code.find(frame_at(words, 2));
    if (!place) continue;
    uint64_t bytes = number(words[1]);
    for (const std::string& word : words)
      if (word.starts_with("pages=")) bytes = number(word.substr(6)) * kPage;
    add(holdings,
        {place->gone ? Evidence::gone : Evidence::direct, "areas of vmalloc", place->name}, 1,
        bytes);
  }
}

void add_percpu_memory(Holdings& holdings, const std::string& root) {
  // "0-3": each page is there once for each CPU that may come.
  const std::string possible = first_line(root + "/sys/devices/system/cpu/possible");
  const uint64_t cpus = number(std::string_view(possible).substr(possible.find('-') + 1)) + 1;
  std::istringstream lines(read_text(root + "/proc/meminfo").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    const std::vector<std::string> words = split_words(line);
    if (words.size() < 2 || words[0] != "Percpu:") continue;
    const uint64_t bytes = number(words[1]) * 1024;
    add(holdings, {Evidence::pages, "pages of per-CPU memory", ""}, bytes / kPage / cpus, bytes);
  }
}

void add_modules(Holdings& holdings, const std::string& root) {
  Holding& all = holdings[{Evidence::listed, "loaded modules", ""}];
  std::istringstream lines(read_text(root + "/proc/modules").value_or(""));
  for (std::string line; std::getline(lines, line); all.count++)
    if (all.count == 0) all.example = line.substr(0, line.find(' '));  // the newest
}

Holdings read_holdings(const TestedCode& code) {
  Holdings holdings;
  shrink_slab_caches();  // KASAN keeps freed objects; so do CPUs, as far as sizes of caches tell
  if (knows_slab_callers())
    add_slab_callers(code, holdings);
  else
    add_slab_caches(holdings);
  add_vmalloc_areas(code, holdings);
  add_percpu_memory(holdings);
  add_modules(holdings);
  add_bpf_objects(holdings);
  return holdings;
}

}  // namespace raceless
