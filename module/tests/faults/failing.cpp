// SPDX-License-Identifier: GPL-2.0
#include "failing.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <regex>
#include <sstream>

#include "../registry.h"
#include "text_file.h"

namespace raceless {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFailSlab = "/sys/kernel/debug/failslab/";
constexpr const char* kFailNth = "/proc/thread-self/fail-nth";
constexpr const char* kTrace = "/sys/kernel/tracing/instances/refusals/";

void set(const std::string& file, const std::string& value) {
  EXPECT_TRUE(write_file(kFailSlab + file, value)) << file << " of failslab";
}

struct Range {
  unsigned long begin = 0;
  unsigned long end = 0;
};

// From the first to the last symbol of raceless.ko's code; with a name, from it to the next.
Range code_of_module(const std::string& function = "") {
  const Result<std::string> symbols = read_text("/proc/kallsyms");
  std::set<unsigned long> starts;
  unsigned long wanted = 0;
  std::istringstream lines(symbols ? *symbols : "");
  for (std::string line; std::getline(lines, line);) {
    const std::vector<std::string> words = split_words(line);
    if (words.size() != 4 || words[3] != "[raceless]") continue;
    if (words[1] != "t" && words[1] != "T") continue;
    const unsigned long start = std::stoul(words[0], nullptr, 16);
    starts.insert(start);
    if (words[2] == function) wanted = start;
  }
  EXPECT_FALSE(starts.empty()) << "/proc/kallsyms has no symbols of raceless.ko";
  if (starts.empty()) return {};
  if (function.empty()) return {*starts.begin(), *starts.rbegin() + 1};
  EXPECT_NE(wanted, 0U) << "raceless.ko has no " << function;
  const auto next = starts.upper_bound(wanted);
  return {wanted, next == starts.end() ? wanted + 1 : *next};
}

void require(const Range& range) {
  set("require-start", std::to_string(range.begin));
  set("require-end", std::to_string(range.end));
}

}  // namespace

bool Failing::available() {
  return fs::exists(std::string(kFailSlab) + "require-start") && fs::exists(kFailNth);
}

Failing::Failing() {
  set("verbose", "0");
  set("ignore-gfp-wait", "N");
  set("stacktrace-depth", "32");
  set("probability", "0");
  set("times", "-1");
  require(code_of_module());
}

Failing::~Failing() {
  end_in();
  set("require-start", "0");
  set("require-end", "18446744073709551615");
}

void Failing::fail_nth(int nth) const { EXPECT_TRUE(write_file(kFailNth, std::to_string(nth))); }

bool Failing::stop() const {
  const std::string left = first_line(kFailNth);
  EXPECT_TRUE(write_file(kFailNth, "0"));
  return left == "0";
}

void Failing::fail_in(const std::string& function) const {
  require(code_of_module(function));
  set("probability", "100");
}

void Failing::end_in() const {
  set("probability", "0");
  require(code_of_module());
}

Refusals::Refusals() {
  mkdir(kTrace, 0700);
  for (const char* event : {"kmalloc", "kmem_cache_alloc"}) {
    const std::string folder = kTrace + std::string("events/kmem/") + event;
    EXPECT_TRUE(write_file(folder + "/filter", "ptr == 0"));
    EXPECT_TRUE(write_file(folder + "/enable", "1"));
  }
}

Refusals::~Refusals() { rmdir(kTrace); }

std::set<std::string> Refusals::places() const {
  static const std::regex kPlace(R"(call_site=(\w[\w.]*\+0x[0-9a-f]+)/0x[0-9a-f]+ \[raceless\])");
  const Result<std::string> text = read_text(std::string(kTrace) + "trace");
  std::set<std::string> found;
  if (!text) return found;
  for (std::sregex_iterator match(text->begin(), text->end(), kPlace), end; match != end; ++match)
    found.insert((*match)[1]);
  return found;
}

}  // namespace raceless
