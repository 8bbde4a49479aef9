// SPDX-License-Identifier: GPL-2.0
#include "soak/reading.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <bit>
#include <cmath>
#include <filesystem>
#include <sstream>

#include "file_descriptor.h"
#include "leaks/holdings.h"
#include "leaks/shrinking.h"
#include "numbers.h"
#include "state_file.h"
#include "text_file.h"

namespace raceless {

namespace {

namespace fs = std::filesystem;

// What is freed late: files and programs after their grace period, kfree_rcu()'s batches.
constexpr useconds_t kSettleUs = 1'000'000;

void set(Reading& reading, std::string_view name, double value) {
  for (size_t i = 0; i < kQuantities.size(); i++)
    if (kQuantities[i].name == name) reading.values[i] = value;
}

double number(std::string_view text) { return static_cast<double>(to_number(text).value_or(0)); }

// Free pages that CPUs keep in lists of their own, tens of MiB of them, are not in MemFree; each
// list of each zone has a line "count: 42" in /proc/zoneinfo.
double bytes_in_cpu_lists(const std::string& root) {
  double pages = 0;
  std::istringstream lines(read_text(root + "/proc/zoneinfo").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    const std::vector<std::string> words = split_words(line);
    if (words.size() == 2 && words[0] == "count:") pages += number(words[1]);
  }
  return pages * static_cast<double>(sysconf(_SC_PAGESIZE));
}

// "Slab:  12345 kB"; in bytes.
std::map<std::string, double> read_meminfo(const std::string& root) {
  std::map<std::string, double> bytes;
  std::istringstream lines(read_text(root + "/proc/meminfo").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    const std::vector<std::string> words = split_words(line);
    if (words.size() >= 2) bytes[words[0]] = number(words[1]) * kKiB;
  }
  return bytes;
}

void read_memory(Reading& reading, const std::string& root) {
  std::map<std::string, double> meminfo = read_meminfo(root);
  set(reading, "slab", meminfo["Slab:"]);
  set(reading, "vmalloc", meminfo["VmallocUsed:"]);
  set(reading, "per-CPU memory", meminfo["Percpu:"]);
  set(reading, "page tables", meminfo["PageTables:"]);
  // What programs use, this one for its history among them, could be free as well.
  set(reading, "free memory",
      meminfo["MemFree:"] + meminfo["AnonPages:"] + bytes_in_cpu_lists(root));
}

double count_kworkers(const std::string& root) {
  double count = 0;
  std::error_code none;
  for (const fs::directory_entry& entry : fs::directory_iterator(root + "/proc", none))
    if (to_number(entry.path().filename().string()) &&
        first_line(entry.path() / "comm").starts_with("kworker/"))
      count++;
  return count;
}

// The kernel's workers apart: it keeps those that it needed at once in the busiest moment for five
// minutes and longer.
void read_tasks(Reading& reading, const std::string& root) {
  // "0.00 0.01 0.05 1/123 4567": running and all tasks.
  const std::vector<std::string> load = split_words(first_line(root + "/proc/loadavg"));
  if (load.size() <= 3) return;
  const double tasks = number(load[3].substr(load[3].find('/') + 1));
  const double kworkers = count_kworkers(root);
  set(reading, "tasks", tasks - kworkers);
  set(reading, "kworkers", kworkers);
  const double stacks = read_meminfo(root)["KernelStack:"];
  if (tasks == 0) return;
  // A stack has a power of two of bytes, and there are few without a task.
  const auto stack = static_cast<double>(std::bit_floor(static_cast<uint64_t>(stacks / tasks)));
  set(reading, "kernel stacks", stacks - kworkers * stack);
}

void read_registry(Reading& reading, const std::string& root) {
  const Result<StateFile> state = StateFile::read(root);
  if (!state) return;  // raceless.ko is not loaded: it has none of these
  double instances = 0;
  double references = 0;
  double waiters = 0;
  for (const SlotState& slot : state->slots()) {
    if (slot.text("state") != "gone") instances++;
    if (!slot.text("beside_state").empty()) instances++;
    references += static_cast<double>(slot.number("refs") + slot.number("beside_refs"));
    waiters += static_cast<double>(slot.number("waiters"));
  }
  set(reading, "slots", static_cast<double>(state->slots().size()));
  set(reading, "instances", instances);
  set(reading, "references", references);
  set(reading, "waiters", waiters);
  set(reading, "descriptors",
      static_cast<double>(state->total("descriptors_opened").value_or(0)) -
          static_cast<double>(state->total("descriptors_closed").value_or(0)));
}

void read_lists(Reading& reading, const std::string& root) {
  Holdings holdings;
  add_modules(holdings, root);
  if (root.empty()) add_bpf_objects(holdings);
  for (const auto& [key, holding] : holdings)
    set(reading, key.what == "loaded modules" ? "modules" : key.what,
        static_cast<double>(holding.count));
}

void read_caches(Reading& reading, const std::string& root) {
  Holdings holdings;
  add_slab_caches(holdings, root);
  for (const auto& [key, holding] : holdings)
    reading.caches[key.what] = static_cast<double>(holding.count);
}

}  // namespace

void come_to_rest() {
  const FileDescriptor drop(open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC));
  const auto shrink = [&drop] {
    // At the begin of the file each time, or it counts for nothing; 4: without a line in the log.
    for (const char* what : {"4", "3"})
      if (drop) (void)!pwrite(drop.get(), what, 1, 0);
    shrink_slab_caches();
  };
  malloc_trim(0);
  shrink();
  usleep(kSettleUs);
  shrink();
}

Reading read_quantities(const std::string& root) {
  Reading reading;
  read_memory(reading, root);
  read_registry(reading, root);
  read_lists(reading, root);
  read_tasks(reading, root);
  const std::vector<std::string> files = split_words(first_line(root + "/proc/sys/fs/file-nr"));
  if (!files.empty()) set(reading, "open files", number(files[0]));
  read_caches(reading, root);
  return reading;
}

std::string quantity_text(Unit unit, double value, bool sign) {
  const char* prefix = sign && value > 0 ? "+" : "";
  if (unit == Unit::objects) {
    const bool whole = std::abs(value) >= 10 || std::abs(value - std::round(value)) < 0.05;
    return fmt::format("{}{:.{}f}", prefix, value + 0.0, whole ? 0 : 1);
  }
  if (std::abs(value) >= 100 * kKiB) return fmt::format("{}{:.1f} MiB", prefix, value / kMiB);
  return fmt::format("{}{:.0f} KiB", prefix, value / kKiB + 0.0);
}

}  // namespace raceless
