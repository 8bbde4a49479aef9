// SPDX-License-Identifier: GPL-2.0
#include "holders/survey.h"

#include <poll.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

#include "clock.h"
#include "holders/attribution.h"
#include "holders/candidates.h"
#include "holders/recorded_holders.h"
#include "module_loader.h"

namespace raceless {

namespace {

constexpr int kLooks = 3;    // until the count is the same before and after
constexpr int kReadMs = 50;  // the ring buffer wakes nobody up

std::vector<uint64_t> addresses(const __u64* stack) {
  std::vector<uint64_t> frames(stack, stack + RACELESS_STACK_DEPTH);
  frames.erase(std::ranges::find(frames, 0U), frames.end());
  return frames;
}

std::string comm_of(const char* comm) { return {comm, strnlen(comm, RACELESS_COMM_SIZE)}; }

bool is_alive(uint32_t tid) {
  std::error_code gone;
  return std::filesystem::exists("/proc/" + std::to_string(tid), gone);
}

bool needs_mounts(const std::vector<raceless_holder>& records) {
  return std::ranges::any_of(records, [](const raceless_holder& record) {
    return record.kind == RACELESS_HOLDER_MOUNT || record.kind == RACELESS_HOLDER_MOUNTED_DISK;
  });
}

}  // namespace

Result<std::unique_ptr<Survey>> Survey::open(Subject subject, bool record) {
  const uint64_t start_ns = now_ns();
  Result<HolderPrograms> programs = HolderPrograms::open(subject.module, record);
  if (!programs) return tl::unexpected(programs.error());
  return std::unique_ptr<Survey>(new Survey(std::move(subject), std::move(*programs), start_ns));
}

bool Survey::is_birth(uint64_t put_ip) {
  const auto [birth, is_new] = births_.try_emplace(put_ip, false);
  if (is_new) birth->second = symbols_.describe(put_ip).starts_with("do_init_module");
  return birth->second;
}

Status Survey::record(const Signals& signals, uint64_t duration_ns,
                      const std::function<void()>& begun) {
  ledger_.emplace();
  GetLedger* ledger = &*ledger_;
  (void)symbols_.describe(0);  // the list is read before there is anything to miss
  Status attached = programs_.record([this, ledger](const raceless_module_use& use) {
    if (use.is_put != 0 && is_birth(use.ip)) return;
    if (use.is_put != 0)
      ledger->put(use.pid, use.tid);
    else
      ledger->get({use.time_ns, use.pid, use.tid, comm_of(use.comm), addresses(use.stack)});
  });
  if (!attached) return attached;
  begun();
  const uint64_t start_ns = now_ns();
  // Nobody else wakes this loop: each turn waits kReadMs at most.
  while (!signals.pending() && (duration_ns == 0 || now_ns() < start_ns + duration_ns)) {
    const Result<bool> all = programs_.read_record();
    if (!all) return tl::unexpected(all.error());
    pollfd event{signals.fd(), POLLIN, 0};
    poll(&event, 1, *all ? kReadMs : 0);
  }
  recorded_ns_ = now_ns() - start_ns;
  return {};
}

Status Survey::look(Answer& answer) {
  Result<Sightings> seen = programs_.look();
  if (!seen) return tl::unexpected(seen.error());
  const MountPoints mounts = needs_mounts(seen->holders) ? MountPoints::read() : MountPoints();
  answer.holders = attribute(seen->holders, mounts,
                             [](const raceless_holder& record) { return path_of(record); });
  Result<std::vector<Holder>> recorded = recorded_holders_of(answer.module);
  if (!recorded) return tl::unexpected(recorded.error());
  std::ranges::move(*recorded, std::back_inserter(answer.holders));
  answer.runners.clear();
  for (const raceless_runner& runner : seen->runners)
    answer.runners.push_back({{runner.pid, runner.tid, comm_of(runner.comm)},
                              symbols_.describe_all(addresses(runner.stack))});
  answer.missing = std::move(seen->missing);
  return {};
}

Status Survey::finish_recording(Answer& answer) {
  const Result<uint64_t> lost = programs_.lost();
  if (!lost) return tl::unexpected(lost.error());
  Recording recording{recorded_ns_,
                      ledger_->gets(),
                      ledger_->puts(),
                      ledger_->puts_of_earlier(),
                      *lost + ledger_->not_remembered(),
                      {}};
  const GetNaming naming{
      [this](const std::vector<uint64_t>& stack) { return symbols_.describe_all(stack); },
      is_alive};
  recording.candidates = make_candidates(ledger_->outstanding(), answer.holders, now_ns(), naming);
  answer.recording = std::move(recording);
  return {};
}

Result<Answer> Survey::answer() {
  Answer answer;
  answer.module = subject_.module;
  answer.providers = subject_.providers;
  for (int look_nr = 0; look_nr < kLooks; look_nr++) {
    const std::optional<long> before = module_refcount(subject_.module);
    if (Status looked = look(answer); !looked) return tl::unexpected(looked.error());
    answer.references = module_refcount(subject_.module);
    answer.changing = before != answer.references;
    if (!answer.changing) break;
  }
  if (ledger_) {
    if (Status finished = finish_recording(answer); !finished)
      return tl::unexpected(finished.error());
  }
  answer.elapsed_ns = now_ns() - start_ns_ - recorded_ns_;
  return answer;
}

}  // namespace raceless
