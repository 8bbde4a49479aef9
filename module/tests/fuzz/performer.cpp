// SPDX-License-Identifier: GPL-2.0
#include "performer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "../call_32.h"
#include "../child.h"
#include "descriptors.h"

namespace raceless::fuzz {

namespace {

constexpr long kIoctl32 = 54;
constexpr long kGetpid32 = 20;

static_assert(2 * kMostThreads <= Report::kThreads);

constexpr std::array<int, 5> kOpenFlags = {O_RDWR, O_RDONLY, O_WRONLY, O_RDWR | O_NONBLOCK,
                                           O_RDWR | O_APPEND};

// What a forked process is known as, while its parent waits for it.
size_t forked_thread(size_t thread) { return thread + kMostThreads; }

}  // namespace

int make_call(int fd, const Request& request, const Memory& memory) {
  const uint64_t address = memory.argument.address();
  if (request.compat)
    return -call_32(kIoctl32, fd, static_cast<long>(request.command),
                    static_cast<long>(static_cast<uint32_t>(address)), 0, 0);
  return ::ioctl(fd, request.command, address) == 0 ? 0 : errno;
}

bool knows_compat() {
  // where it does not, it dies
  Child child([] { return call_32(kGetpid32, 0, 0, 0, 0, 0) == getpid() ? 0 : 1; });
  return child.status() == 0;
}

Performer::Performer(Report& report, const Caller& caller, size_t thread, std::string name,
                     Peers* peers)
    : report_(report),
      caller_(caller),
      thread_(thread),
      name_(std::move(name)),
      peers_(peers),
      last_(own_descriptor(thread)) {
  const int error = open_at(own_descriptor(thread_), O_RDWR);
  if (error) find(fmt::format("it cannot open the device: {}", error_name(error)));
}

void Performer::find(const std::string& what) { report_.find(name_ + ": " + what); }

int Performer::any_descriptor(Choices& choices) const {
  const uint32_t which = choices.below(kShared + 3);
  return which < kShared ? shared_descriptor(which) : own_descriptor(thread_);
}

void Performer::check(const char* what, bool failed, std::initializer_list<int> allowed) {
  const int code = failed ? errno : 0;
  if (code == EBADF || std::ranges::find(allowed, code) != allowed.end()) return;
  find(fmt::format("{} ended with {}", what, code ? error_name(code) : "success"));
}

void Performer::ioctl(Choices& choices) {
  // more often than not the one of before, in which there is something to find
  const bool again = choices.below(8) < 5;
  const int fd = again ? last_ : any_descriptor(choices);
  const bool own = fd == own_descriptor(thread_);
  last_ = fd;
  Request request = make_request(choices, memory_, caller_);
  const bool switches = request.kind == Kind::gate && request.allowed[0];
  if (!switches || report_.may_switch()) {
    // somebody may close it first
    if (!own) request.allowed |= errors({EBADF});
    const int code = make_call(fd, request, memory_);
    report_.ioctl_ended(request.kind, code);
    if (const auto wrong = judge(request, code, memory_)) find(request.text + ": " + *wrong);
    const bool unload = request.kind == Kind::unload || request.kind == Kind::unload_many;
    if (unload && !request.harmless && code != EBADF) held_through_.push_back(fd);
    in_the_way_ = in_the_way_ || code == ETIMEDOUT;
  }
  memory_.argument.clear();
  memory_.input.clear();
  memory_.output.clear();
  if (in_the_way_) clean_up();  // now: each wait costs more than all other calls
}

void Performer::open(Choices& choices) {
  const int error = open_at(any_descriptor(choices), choices.pick(kOpenFlags));
  if (error) find(fmt::format("open failed with {}", error_name(error)));
}

// Only death ends a wait early.
void Performer::interrupt(Choices& choices) {
  if (!peers_) return;
  const pid_t peer = (*peers_)[choices.below(peers_->size())];
  if (peer) syscall(SYS_tgkill, getpid(), peer, SIGUSR1);
}

void Performer::run_forked(std::span<const Step> rest, bool kill) {
  Caller caller = caller_;
  caller.patient = kill;
  Performer performer(report_, caller, forked_thread(thread_), name_ + ", forked", nullptr);
  for (;;) {
    for (const Step& step : rest)
      if (step.action != Action::fork && step.action != Action::kill) performer.perform(step, {});
    if (!kill) return;
  }
}

void Performer::fork(Choices& choices, std::span<const Step> rest, bool kill) {
  Child child([&] {
    run_forked(rest, kill);
    return 0;
  });
  if (kill) {
    usleep(choices.below(20'000));
    child.kill();
    report_.end(forked_thread(thread_));
  } else if (const int status = child.status(); status != 0) {
    find(fmt::format("a forked process ended with status {}", status));
  }
}

void Performer::dispatch(Action action, Choices& choices, std::span<const Step> rest) {
  std::array<char, 64> buffer{};
  const int fd = any_descriptor(choices);
  switch (action) {
    case Action::ioctl:
      return ioctl(choices);
    case Action::open:
      return open(choices);
    case Action::duplicate: {
      const int to = shared_descriptor(choices.below(kShared));
      errno = duplicate_at(to, fd);
      return check("dup3", errno != 0, {0});
    }
    case Action::close: {
      const int shared = shared_descriptor(choices.below(kShared));
      return check("close", close(shared) != 0, {0});
    }
    case Action::read:
      return check("read", ::read(fd, buffer.data(), choices.below(buffer.size())) < 0, {EINVAL});
    case Action::write:
      return check("write", ::write(fd, buffer.data(), choices.below(buffer.size())) < 0, {EINVAL});
    case Action::seek:
      return check("lseek", lseek(fd, choices.below(4096), static_cast<int>(choices.below(3))) < 0,
                   {ESPIPE});
    case Action::map: {
      const int protection = static_cast<int>(choices.below(8));
      const int sharing = choices.one_in(2) ? MAP_SHARED : MAP_PRIVATE;
      return check("mmap", mmap(nullptr, 4096, protection, sharing, fd, 0) == MAP_FAILED,
                   {ENODEV, EACCES, EPERM});
    }
    case Action::poll: {
      pollfd polled{fd, static_cast<short>(choices.below(64)), 0};
      return check("poll", ::poll(&polled, 1, 0) < 0, {0});
    }
    case Action::pass: {
      std::optional<int> to;
      if (choices.one_in(2)) to = shared_descriptor(choices.below(kShared));
      errno = pass(fd, to);
      return check("SCM_RIGHTS", errno != 0, {0});
    }
    case Action::interrupt:
      return interrupt(choices);
    case Action::fork:
      return fork(choices, rest, false);
    case Action::kill:
      return fork(choices, rest, true);
  }
}

void Performer::perform(const Step& step, std::span<const Step> rest) {
  Choices choices(step);
  report_.begin(thread_);
  dispatch(step.action, choices, rest);
  report_.end(thread_);
  report_.action_ended(step.action);
}

void Performer::clean_up() {
  if (in_the_way_) {
    for (uint32_t i = 0; i < kShared; i++) held_through_.push_back(shared_descriptor(i));
    held_through_.push_back(own_descriptor(thread_));
  }
  for (const int fd : held_through_)
    if (const int error = open_at(fd, O_RDWR))
      find(fmt::format("open failed with {}", error_name(error)));
  held_through_.clear();
  in_the_way_ = false;
}

}  // namespace raceless::fuzz
