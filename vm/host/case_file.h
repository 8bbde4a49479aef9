// SPDX-License-Identifier: GPL-2.0
// A case: a shell script for the guest whose first comment says what it needs and what is expected.
//
//   # smp: 4                       CPUs (2)
//   # memory: 512                  MiB (512)
//   # replays: 1                   recorded on one CPU, and replayed so often, each time the same
//   # timeout: 120                 seconds (60)
//   # kernels: 6.12                the only ones it makes sense on (all); !debug: all but that one
//   # modules: dummy configfs      of the kernel's tree, with what they depend on
//   # needs: raceless results kmod the project's modules and command; a results disk; kmod
//   # programs: bpftool            host programs, or paths of the project, with their libraries
//   # files: PATH[:GUEST] …        of the project; $RELEASE stands for the guest's
//   # append: slub_debug=FZPU      more for the kernel's command line
//   # allow: REGEX               kernel messages that are no splat here
//   # expect: PANIC                the verdict (PASS)
//   # cause: REGEX                 what the verdict's cause must match (anything)
//
// The numbers of a case with raceless are compared when it has ended well (raceless audit), and a
// disagreement fails it.
//
// A case gets nothing that it does not ask for. In the guest it is /case/script, run by /bin/sh,
// and must print KTAP with a plan; `. /case/ktap` helps with that.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "../../controller/result.h"
#include "run.h"

namespace raceless::vm {

struct CaseFile {
  std::filesystem::path path;
  std::string name;
  unsigned smp = 2;
  unsigned memory_mib = 512;
  unsigned timeout_s = 60;
  unsigned replays = 0;
  std::vector<std::string> kernels;
  std::vector<std::string> modules;
  bool raceless = false;
  bool kmod = false;
  bool results = false;
  std::vector<std::string> programs;
  std::vector<std::string> files;
  std::string append;
  std::string allow;
  Verdict expect = Verdict::Pass;
  std::string cause;

  [[nodiscard]] bool runs_on(const std::string& kernel_name) const;
};

[[nodiscard]] Result<CaseFile> read_case(const std::filesystem::path& path);
[[nodiscard]] Result<CaseFile> parse_case(const std::filesystem::path& path,
                                          const std::string& text);

// All *.sh of a folder and of the folders in it, by name, as in "taint" or "deaths/oops"; with
// `only`, those whose names match this shell pattern, or an error that lists all.
[[nodiscard]] Result<std::vector<CaseFile>> find_cases(const std::filesystem::path& folder,
                                                       const std::string& only);

// What the case asks for, put into a run; the kernel must be set already.
void apply_case(const CaseFile& file, const Project& project, RunSpec& spec);

}  // namespace raceless::vm
