// SPDX-License-Identifier: GPL-2.0
#include "refusals.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <string_view>

#include "../registry.h"
#include "text_file.h"

namespace raceless {
namespace {

constexpr char kTrace[] = "/sys/kernel/tracing/instances/refusals/";
constexpr std::string_view kFrame = " => ";

}  // namespace

Frame parse_frame(const std::string& text) {
  const size_t plus = text.find('+');
  if (plus == std::string::npos) return {"", std::stoul(text, nullptr, 16), false};
  return {text.substr(0, std::min(plus, text.find('.'))),
          std::stoul(text.substr(plus + 1), nullptr, 16), text.ends_with(" [raceless]")};
}

Refusals::Refusals() {
  mkdir(kTrace, 0700);
  for (const char* option : {"stacktrace", "sym-offset"})
    EXPECT_TRUE(write_file(std::string(kTrace) + "options/" + option, "1")) << option;
  for (const char* event : {"kmalloc", "kmem_cache_alloc"}) {
    const std::string folder = kTrace + std::string("events/kmem/") + event;
    EXPECT_TRUE(write_file(folder + "/filter", "ptr == 0")) << event;
    EXPECT_TRUE(write_file(folder + "/enable", "1")) << event;
  }
}

Refusals::~Refusals() { rmdir(kTrace); }

std::vector<Stack> Refusals::take() {
  const Result<std::string> text = read_text(kTrace + std::string("trace"));
  EXPECT_TRUE(text) << "the trace cannot be read";
  EXPECT_TRUE(write_file(kTrace + std::string("trace"), ""));
  std::vector<Stack> stacks;
  std::istringstream lines(text ? *text : "");
  for (std::string line; std::getline(lines, line);) {
    if (line.ends_with("<stack trace>"))
      stacks.emplace_back();
    else if (line.starts_with(kFrame) && !stacks.empty())
      stacks.back().push_back(parse_frame(line.substr(kFrame.size())));
  }
  return stacks;
}

}  // namespace raceless
