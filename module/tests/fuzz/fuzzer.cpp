// SPDX-License-Identifier: GPL-2.0
#include "fuzzer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <exception>
#include <span>
#include <stdexcept>
#include <thread>

#include "clock.h"
#include "descriptors.h"

namespace raceless::fuzz {

bool become(uid_t user) {
  if (user == 0) return true;
  return setgroups(0, nullptr) == 0 && setresgid(user, user, user) == 0 &&
         setresuid(user, user, user) == 0;
}

Fuzzer::Fuzzer(Report& report, uid_t user)
    : report_(report),
      user_(user),
      deadline_ns_(settings.seconds ? now_ns() + settings.seconds * kNsPerSecond : UINT64_MAX) {
  caller_.privileged = user == 0;
  caller_.compat = knows_compat();
  auto coverage = Coverage::open();
  if (!coverage) {
    unguided_ = coverage.error().message();
    return;
  }
  for (unsigned i = 0; i < settings.threads; i++) {
    auto thread = ThreadCoverage::open();
    if (!thread) {
      unguided_ = thread.error().message();
      return;
    }
    thread_coverage_.push_back(std::move(*thread));
  }
  coverage_ = std::move(*coverage);
}

bool Fuzzer::enough() const {
  return report_.calls() >= settings.calls || now_ns() >= deadline_ns_;
}

void Fuzzer::run_sequence(Performer& performer, size_t number, Random& random) {
  const Sequence sequence = corpus_.next(random);
  bool found = false;
  for (size_t i = 0; i < sequence.size(); i++) {
    if (coverage_) thread_coverage_[number].begin();
    performer.perform(sequence[i], std::span(sequence).subspan(i + 1));
    if (coverage_) found = thread_coverage_[number].end(*coverage_) || found;
  }
  performer.clean_up();
  if (!found) return;
  corpus_.add(sequence);
  report_.cover(coverage_->reached(), corpus_.size());
}

void Fuzzer::run_thread(size_t number) {
  peers_[number] = gettid();
  Random random(settings.seed + number);
  const std::string name = fmt::format("seed {}, thread {}", settings.seed, number);
  try {
    if (coverage_ && !thread_coverage_[number].enable())
      throw std::runtime_error("it cannot enable KCOV");
    Performer performer(report_, caller_, number, name, &peers_);
    while (!enough()) run_sequence(performer, number, random);
  } catch (const std::exception& error) {
    report_.find(name + ": " + error.what());
  }
  peers_[number] = 0;
}

int Fuzzer::run() {
  struct sigaction nothing {};
  nothing.sa_handler = [](int) {};
  if (sigaction(SIGUSR1, &nothing, nullptr) != 0 || !become(user_)) return 1;
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return 1;
  for (uint32_t i = 0; i < kShared; i++)
    if (open_at(shared_descriptor(i), O_RDWR) != 0) return 1;
  std::vector<std::thread> threads;
  for (size_t i = 0; i < settings.threads; i++) threads.emplace_back([this, i] { run_thread(i); });
  for (std::thread& thread : threads) thread.join();
  return 0;
}

}  // namespace raceless::fuzz
