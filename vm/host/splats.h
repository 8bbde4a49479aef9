// SPDX-License-Identifier: GPL-2.0
// Which lines of a kernel log are complaints, by the rules of vm/splats.
#pragma once

#include <regex.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../../controller/result.h"

namespace raceless::vm {

enum class SplatClass { Allow, Panic, Oops, Stall, Splat };
[[nodiscard]] const char* name_of(SplatClass which);

struct Splat {
  SplatClass which;
  std::size_t line;  // from 1
  std::string text;  // the message without its time stamp
};

class SplatRules {
 public:
  [[nodiscard]] static Result<SplatRules> load(const std::filesystem::path& file);
  [[nodiscard]] static Result<SplatRules> parse(std::string_view text, const std::string& name);

  // The class of one line of a log, time stamp and all; nothing when it is no complaint.
  [[nodiscard]] std::optional<SplatClass> classify(const std::string& line) const;
  // Every complaint of a log, at most `limit` of them.
  [[nodiscard]] std::vector<Splat> scan(std::string_view log, std::size_t limit = 64) const;

 private:
  struct Free {
    void operator()(regex_t* r) const;
  };
  using Regex = std::unique_ptr<regex_t, Free>;
  struct Rule {
    SplatClass which;
    Regex regex;
  };
  std::vector<Rule> rules_;
};

// A line of the console without its time stamp, caller and carriage return.
[[nodiscard]] std::string message_of(std::string_view line);

}  // namespace raceless::vm
