// SPDX-License-Identifier: GPL-2.0
#include "recording.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include <nlohmann/json.hpp>

#include "qemu.h"
#include "qmp.h"

namespace raceless::vm {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* notes_file = "recording.json";
constexpr int schema = 1;

bool is_the_hosts(const std::string& name) {
  for (const char* own : {"vmlinuz", "initramfs", "case.json", "qemu-cmd", "qemu.log", qmp_socket,
                          tape_file, notes_file, "replay.json", "results.img", "snapshots.img"})
    if (name == own) return true;
  for (const char* folder : {"replay/", "symbols/"})
    if (name.starts_with(folder)) return true;
  return name.starts_with("console.died-");
}

// One sha256sum for all of them; none is no question.
Result<Digests> digest(const fs::path& folder, const std::vector<std::string>& names) {
  Digests digests;
  if (names.empty()) return digests;
  Argv argv = {"sha256sum", "--zero", "--"};
  for (const std::string& name : names) argv.push_back((folder / name).string());
  auto finished = run_program(argv);
  if (!finished) return tl::unexpected(finished.error());
  std::istringstream lines(finished->out);
  std::size_t i = 0;
  // "HASH  NAME", in the order asked for
  for (std::string line; std::getline(lines, line, '\0') && i < names.size(); ++i)
    digests[names[i]] = line.substr(0, line.find(' '));
  if (finished->status != 0 || i != names.size())
    return fail(0, "cannot read all files in " + folder.string());
  return digests;
}

Recording from_json(const Json& j) {
  Recording r;
  r.kernel = j.at("kernel");
  r.qemu = j.at("qemu");
  r.firmware = j.at("firmware");
  const Json& m = j.at("machine");
  r.machine.smp = m.at("smp");
  r.machine.memory_mib = m.at("memory_mib");
  r.machine.results_disk = m.at("results");
  r.machine.patience = m.at("patience");
  r.machine.append = m.at("append").get<std::vector<std::string>>();
  r.allow = j.at("allow").get<std::vector<std::string>>();
  r.demand_ktap = j.at("demand_ktap");
  r.limit_s = j.at("limit_s");
  r.audited = j.at("audited");
  r.timed_out = j.at("timed_out");
  r.interrupted = j.at("interrupted");
  r.seconds = j.at("seconds");
  r.verdict = j.at("verdict");
  r.cause = j.at("cause");
  if (!j.at("instructions").is_null()) r.instructions = j["instructions"].get<std::uint64_t>();
  r.inputs = j.at("inputs").get<Digests>();
  r.outputs = j.at("outputs").get<Digests>();
  return r;
}

std::string words(const std::optional<std::uint64_t>& instructions) {
  return instructions ? std::to_string(*instructions) : "unknown";
}

}  // namespace

Status write_recording(const Recording& r, const fs::path& folder) {
  Json j = {{"schema", schema},
            {"kernel", r.kernel},
            {"qemu", r.qemu},
            {"firmware", r.firmware},
            {"machine",
             {{"smp", r.machine.smp},
              {"memory_mib", r.machine.memory_mib},
              {"results", r.machine.results_disk},
              {"patience", r.machine.patience},
              {"append", r.machine.append}}},
            {"allow", r.allow},
            {"demand_ktap", r.demand_ktap},
            {"limit_s", r.limit_s},
            {"audited", r.audited},
            {"timed_out", r.timed_out},
            {"interrupted", r.interrupted},
            {"seconds", r.seconds},
            {"verdict", r.verdict},
            {"cause", r.cause},
            {"instructions", r.instructions ? Json(*r.instructions) : Json(nullptr)},
            {"inputs", r.inputs},
            {"outputs", r.outputs}};
  std::ofstream out(folder / notes_file);
  out << j.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
  out.flush();
  if (!out) return fail(EIO, "cannot write " + (folder / notes_file).string());
  return {};
}

Result<Recording> read_recording(const fs::path& folder) {
  std::ifstream in(folder / notes_file);
  if (!in)
    return fail(EINVAL,
                fmt::format("{} holds no recording; vm/run --record makes one", folder.string()));
  std::string damaged = (folder / notes_file).string() + " is damaged: ";
  try {
    Json j = Json::parse(in);
    if (j.at("schema") != schema) return fail(EINVAL, damaged + "its schema is not known here");
    return from_json(j);
  } catch (const Json::exception& error) {
    return fail(EINVAL, damaged + error.what());
  }
}

Result<Digests> digest_inputs(const fs::path& folder) {
  return digest(folder, {"vmlinuz", "initramfs", tape_file});
}

Result<Digests> digest_outputs(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end; entry != end;
       entry.increment(error)) {
    std::string name = entry->path().lexically_relative(folder).string();
    if (entry->is_regular_file() && !entry->is_symlink() && !is_the_hosts(name))
      names.push_back(name);
  }
  if (error) return fail(error.value(), "cannot list " + folder.string());
  std::sort(names.begin(), names.end());
  return digest(folder, names);
}

Result<std::string> digest_file(const fs::path& file) {
  auto digests = digest(file.parent_path(), {file.filename()});
  if (!digests) return tl::unexpected(digests.error());
  return digests->at(file.filename());
}

Result<std::string> digest_firmware() {
  auto finished = run_program({qemu, "-L", "help"});
  if (!finished) return tl::unexpected(finished.error());
  std::istringstream folders(finished->out);
  std::vector<std::string> files;
  std::vector<std::string> wanted = {"bios-256k.bin", "kvmvapic.bin", "linuxboot_dma.bin"};
  for (std::string folder; std::getline(folders, folder);)
    for (std::string& name : wanted)
      if (fs::path file = fs::path(folder) / name; !name.empty() && fs::exists(file)) {
        files.push_back(file.string());
        name.clear();  // QEMU takes the first, too
      }
  // By name: the first folder may have some, the second the rest.
  std::sort(files.begin(), files.end(), [](const std::string& a, const std::string& b) {
    return fs::path(a).filename() < fs::path(b).filename();
  });
  auto digests = digest("/", files);
  if (!digests) return tl::unexpected(digests.error());
  std::string text;
  for (const std::string& file : files) text += digests->at(file).substr(0, 16);
  return text;
}

std::string why_not_here(const Recording& recording, const std::string& qemu_here,
                         const std::string& firmware, const Digests& found) {
  if (recording.qemu != qemu_here)
    return fmt::format("it was recorded with {}, here is {}; a replay needs the same QEMU",
                       recording.qemu, qemu_here);
  if (recording.firmware != firmware)
    return "it was recorded with another firmware; a replay needs the same packages seabios and "
           "qemu-system-data";
  for (const auto& [name, sum] : recording.inputs) {
    auto here = found.find(name);
    if (here == found.end() || here->second != sum)
      return fmt::format("the folder's {} is not the one that was recorded; take the whole folder",
                         name);
  }
  return {};
}

std::vector<std::string> differences(const Recording& recorded, const Recording& replayed) {
  std::vector<std::string> found;
  if (recorded.verdict != replayed.verdict || recorded.cause != replayed.cause)
    found.push_back(fmt::format("recorded {}: {}; replayed {}: {}", recorded.verdict,
                                recorded.cause, replayed.verdict, replayed.cause));
  if (recorded.instructions != replayed.instructions)
    found.push_back(fmt::format("the recording ended at instruction {}, the replay at {}",
                                words(recorded.instructions), words(replayed.instructions)));
  for (const auto& [name, sum] : recorded.outputs) {
    auto other = replayed.outputs.find(name);
    if (other == replayed.outputs.end())
      found.push_back(name + " is missing");
    else if (other->second != sum)
      found.push_back(name + " differs");
  }
  for (const auto& [name, sum] : replayed.outputs)
    if (!recorded.outputs.contains(name)) found.push_back(name + " is new");
  return found;
}

}  // namespace raceless::vm
