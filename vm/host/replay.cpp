// SPDX-License-Identifier: GPL-2.0
#include "replay.h"

#include <fmt/format.h>

#include <fstream>

#include <nlohmann/json.hpp>

#include "qemu.h"
#include "run.h"

namespace raceless::vm {
namespace {

namespace fs = std::filesystem;

// A replay takes about as long as its recording did; this is for one that hangs, on a busy host.
unsigned limit_for(double recorded_seconds) {
  return 300 + 10 * static_cast<unsigned>(recorded_seconds);
}

// Links instead of copies: the machine's files stay where they are known to be the recorded ones.
Status prepare(const fs::path& run, const fs::path& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  if (!error) fs::create_directory(folder, error);
  for (const char* name : {"vmlinuz", "initramfs", tape_file})
    if (!error) fs::create_symlink(fs::path("..") / name, folder / name, error);
  if (error) return fail(error.value(), "cannot prepare " + folder.string());
  // Of no size worth a name: see Machine::command.
  std::ofstream(folder / "snapshots.img").flush();
  fs::resize_file(folder / "snapshots.img", 1 << 20, error);
  return error ? Status(fail(error.value(), "cannot write into " + run.string())) : Status();
}

Status check(const Recording& recording, const fs::path& folder) {
  auto version = qemu_version();
  if (!version) return tl::unexpected(version.error());
  auto firmware = digest_firmware();
  if (!firmware) return tl::unexpected(firmware.error());
  auto found = digest_inputs(folder);
  if (!found) return tl::unexpected(found.error());
  std::string why = why_not_here(recording, *version, *firmware, *found);
  return why.empty() ? Status() : Status(fail(0, "cannot replay " + folder.string() + ": " + why));
}

void write_notes(const fs::path& file, const Replayed& replayed) {
  nlohmann::ordered_json notes = {{"verdict", replayed.result.verdict},
                                  {"cause", replayed.result.cause},
                                  {"seconds", replayed.result.seconds},
                                  {"differences", replayed.differences}};
  if (replayed.result.instructions) notes["instructions"] = *replayed.result.instructions;
  std::ofstream(file) << notes.dump(2) << "\n";
}

// Several may have one release; the image tells which one the run has booted.
Result<fs::path> kernel_of(const fs::path& kernels, const Recording& recording) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(kernels, ignored)) {
    if (!entry.path().filename().string().starts_with(recording.kernel)) continue;
    const auto image = digest_file(entry.path() / "vmlinuz");
    if (image && *image == recording.inputs.at("vmlinuz")) return entry.path();
  }
  return fail(ENOENT, fmt::format("{} has no kernel {} with the image that was recorded",
                                  kernels.string(), recording.kernel));
}

}  // namespace

Result<Replayed> replay(const Project& project, const ReplaySpec& spec) {
  auto recording = read_recording(spec.folder);
  if (!recording) return tl::unexpected(recording.error());
  if (auto checked = check(*recording, spec.folder); !checked)
    return tl::unexpected(checked.error());
  auto rules = load_rules(project, recording->allow);
  if (!rules) return tl::unexpected(rules.error());
  fs::path folder = spec.folder / "replay";
  if (auto prepared = prepare(spec.folder, folder); !prepared)
    return tl::unexpected(prepared.error());

  Machine machine = recording->machine;
  machine.tape = Tape::Replay;
  machine.debugger = spec.debugger;
  SessionOptions options;
  options.folder = folder;
  options.command = machine.command();
  options.limit_s = spec.debugger.empty() ? limit_for(recording->seconds) : 0;
  options.copy_output = spec.copy_output;
  options.tape = machine.tape;
  options.stay = !spec.debugger.empty();
  options.timed_out = recording->timed_out;
  SessionResult session = run_session(options, *rules);

  Evidence& seen = session.seen;
  seen.boots = 1;
  seen.limit_s = recording->limit_s;
  seen.audited = recording->audited;
  seen.interrupted |= recording->interrupted;
  collect(folder, recording->demand_ktap, seen);
  fs::remove(folder / "snapshots.img");
  Replayed replayed;
  replayed.judgement = judge(seen);
  replayed.result.verdict = name_of(replayed.judgement.verdict);
  replayed.result.cause = replayed.judgement.cause;
  replayed.result.instructions = session.instructions;
  replayed.result.seconds = session.times.total_s;
  auto outputs = digest_outputs(folder);
  if (!outputs) return tl::unexpected(outputs.error());
  replayed.result.outputs = std::move(*outputs);
  replayed.differences = differences(*recording, replayed.result);
  write_notes(folder / "replay.json", replayed);
  return replayed;
}

Result<std::string> gdb_command(const Project& project, const fs::path& folder,
                                const std::string& port) {
  auto recording = read_recording(folder);
  if (!recording) return tl::unexpected(recording.error());
  auto found = kernel_of(project.cache / "kernels", *recording);
  if (!found) return tl::unexpected(found.error());
  const fs::path& kernel = *found;
  auto made = run_program({(project.source / "vm/symbols").string(), kernel.string()});
  if (!made) return tl::unexpected(made.error());
  if (made->status != 0)
    return fail(0,
                fmt::format("cannot make the symbols of {}; vm/symbols says why", kernel.string()));
  std::string symbols = made->out.substr(0, made->out.find('\n'));
  return fmt::format("cd {} && gdb -x {}/gdb -ex 'target remote 127.0.0.1:{}'", folder.string(),
                     symbols, port);
}

std::string describe(const Replayed& replayed) {
  const Recording& r = replayed.result;
  std::string text = fmt::format("replay: {}: {}", r.verdict, r.cause);
  if (r.instructions) text += fmt::format("; at instruction {}", *r.instructions);
  if (!replayed.differences.empty()) return text + "; NOT as recorded: " + replayed.differences[0];
  return text + fmt::format("; exactly as recorded ({} files equal)", r.outputs.size());
}

}  // namespace raceless::vm
