// SPDX-License-Identifier: GPL-2.0
#include "failing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <sstream>
#include <vector>

#include "../registry.h"
#include "text_file.h"

namespace raceless {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFailSlab = "/sys/kernel/debug/failslab/";
constexpr const char* kFailNth = "/proc/thread-self/fail-nth";
constexpr const char* kMakeItFail = "/proc/thread-self/make-it-fail";

void set(const std::string& file, const std::string& value) {
  EXPECT_TRUE(write_file(kFailSlab + file, value)) << file << " of failslab";
}

struct Symbol {
  unsigned long begin = 0;
  std::string name;
  bool raceless = false;
};

// The functions of the kernel and of raceless.ko. The file takes seconds to read on a kernel that
// looks for bugs: once will do, until the module is at another address.
const std::vector<Symbol>& functions() {
  static std::vector<Symbol> all;
  static std::string read_for = "nothing yet";
  const std::string module = first_line("/sys/module/raceless/sections/.text");
  if (module == read_for) return all;
  read_for = module;
  all.clear();
  const Result<std::string> symbols = read_text("/proc/kallsyms");
  std::istringstream lines(symbols ? *symbols : "");
  for (std::string line; std::getline(lines, line);) {
    const std::vector<std::string> words = split_words(line);
    if (words.size() < 3 || (words[1] != "t" && words[1] != "T")) continue;
    const bool raceless = words.size() == 4 && words[3] == "[raceless]";
    if (words.size() == 3 || raceless)
      all.push_back({std::stoul(words[0], nullptr, 16), words[2], raceless});
  }
  return all;
}

void require(Text text) {
  set("require-start", std::to_string(text.begin));
  set("require-end", std::to_string(text.end));
}

void reject(Text text) {
  set("reject-start", std::to_string(text.begin));
  set("reject-end", std::to_string(text.end));
}

}  // namespace

bool Failing::available() {
  return fs::exists(std::string(kFailSlab) + "require-start") && fs::exists(kFailNth);
}

Text Failing::text_of(const std::string& function) {
  Text text{0, UINT64_MAX};
  for (const Symbol& symbol : functions())
    if (symbol.name == function) text.begin = symbol.begin;
  EXPECT_NE(text.begin, 0U) << "neither the kernel nor raceless.ko has " << function;
  for (const Symbol& symbol : functions())
    if (symbol.begin > text.begin) text.end = std::min(text.end, symbol.begin);
  return text;
}

// From the first to the last symbol of its code.
Text Failing::text_of_raceless() {
  Text text{UINT64_MAX, 0};
  for (const Symbol& symbol : functions()) {
    if (!symbol.raceless) continue;
    text.begin = std::min(text.begin, symbol.begin);
    text.end = std::max(text.end, symbol.begin + 1);
  }
  EXPECT_NE(text.end, 0U) << "/proc/kallsyms has no symbols of raceless.ko";
  return text;
}

Failing::Failing(Text text) : text_(text) {
  set("verbose", "0");
  set("ignore-gfp-wait", "N");
  set("stacktrace-depth", "32");
  end();
  if (fs::exists("/sys/kernel/debug/kmemleak")) reject(text_of("kmemleak_alloc"));
}

Failing::~Failing() {
  end();
  require({0, UINT64_MAX});
  reject({0, 0});
}

void Failing::fail_nth(int nth) const { EXPECT_TRUE(write_file(kFailNth, std::to_string(nth))); }

bool Failing::stop() const {
  const std::string left = first_line(kFailNth);
  EXPECT_TRUE(write_file(kFailNth, "0"));
  return left == "0";
}

void Failing::fail_in(Text text) const {
  require(text);
  set("probability", "100");
}

void Failing::fail_mine_in(Text text) const {
  set("task-filter", "Y");
  EXPECT_TRUE(write_file(kMakeItFail, "1"));
  fail_in(text);
}

void Failing::fail_once_in(Text text, int bytes) const {
  set("space", std::to_string(bytes));
  set("times", "1");
  fail_in(text);
}

bool Failing::end() const {
  const bool failed = first_line(kFailSlab + std::string("times")) == "0";
  set("probability", "0");
  set("times", "-1");
  set("space", "0");
  set("task-filter", "N");
  EXPECT_TRUE(write_file(kMakeItFail, "0"));
  require(text_);
  return failed;
}

}  // namespace raceless
