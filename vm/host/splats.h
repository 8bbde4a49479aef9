// SPDX-License-Identifier: GPL-2.0
// Which lines of a kernel log are complaints, by the rules of vm/splats.
#pragma once

#include <regex.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../../controller/result.h"

namespace raceless::vm {

enum class SplatClass { Allow, Foreign, Panic, Oops, Stall, Splat };
[[nodiscard]] const char* name_of(SplatClass which);

struct Splat {
  SplatClass which;
  std::size_t line;        // from 1
  std::string text;        // the message without its time stamp
  std::string place = {};  // in its report: "function+0x1/0x2 [module]"; may be empty

  // Both in one line.
  [[nodiscard]] std::string describe() const;
};

struct SplatScan {
  std::vector<Splat> splats;
  unsigned allowed_warnings = 0;            // whole reports that an exception covered
  std::map<std::string, unsigned> foreign;  // reports on others' bugs: the first line, how many
};

class SplatRules {
 public:
  [[nodiscard]] static Result<SplatRules> load(const std::filesystem::path& file);
  [[nodiscard]] static Result<SplatRules> parse(std::string_view text, const std::string& name);

  // An exception for one run: a message that matches, and the report around it if that is whole and
  // complains of nothing else, is no complaint.
  [[nodiscard]] Status allow(const std::string& pattern);
  // A report that names code of this module is not somebody else's.
  void test(std::string module);

  // Every complaint of a log, at most `limit` of them.
  [[nodiscard]] SplatScan scan(std::string_view log, std::size_t limit = 64) const;

 private:
  struct Free {
    void operator()(regex_t* r) const;
  };
  using Regex = std::unique_ptr<regex_t, Free>;
  struct Rule {
    SplatClass which;
    Regex regex;
  };
  static Result<Regex> compile(const std::string& pattern);
  [[nodiscard]] std::optional<SplatClass> classify(const std::string& message) const;
  [[nodiscard]] bool allowed(const std::string& message) const;

  std::vector<Rule> rules_;
  std::vector<Regex> allowed_;
  std::vector<std::string> tested_;
};

// The code that a line of a report names: where the CPU was, a frame of a call trace that is no
// guess, who allocated or freed an object. Empty for all other lines.
[[nodiscard]] std::string code_place(std::string_view message);

// A line of the console without its time stamp, caller and carriage return.
[[nodiscard]] std::string message_of(std::string_view line);

// Whether the kernel died of an int3 that was not in memory any more when it looked: in an Oops,
// the byte before the one that its "Code:" marks is another; or it was stuck at the begin of a
// traced function, where no such byte is. QEMU before 8.1 (see vm/qemu) may run what a CPU has
// translated while another one rewrote it; a CPU of silicon cannot, for the kernel waits for it.
// Only Linux before 6.3 gets stuck. `kernel` is its release, `qemu` the first line of --version.
[[nodiscard]] bool died_of_vanished_int3(std::string_view log, std::string_view kernel,
                                         std::string_view qemu);

// Whether the kernel complained of a stall before it ran init. It had nothing but the emulator
// under it then, whose clock can jump by seconds on a busy host.
[[nodiscard]] bool stalled_before_init(const SplatRules& rules, std::string_view log);

}  // namespace raceless::vm
