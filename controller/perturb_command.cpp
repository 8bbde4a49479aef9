// SPDX-License-Identifier: GPL-2.0
// raceless perturb
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "command.h"
#include "duration_option.h"
#include "perturbation.h"
#include "signals.h"

extern char** environ;

namespace raceless {

namespace {

constexpr int kLookEachMs = 500;

struct PerturbOptions {
  PerturbationPlan plan;
  std::vector<std::string> command;
};

Outcome cannot_run(const Error& error) {
  fmt::print(stderr, "raceless: {}\n", error.message());
  return Outcome::cannot_run;
}

// In our process group: it sees the terminal's signals itself.
Result<pid_t> spawn(std::vector<std::string> command) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (std::string& argument : command) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  sigset_t defaults;
  sigemptyset(&defaults);
  for (const int signal : {SIGPIPE, SIGINT, SIGTERM}) sigaddset(&defaults, signal);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  pid_t pid = 0;
  const int error =
      posix_spawnp(&pid, arguments.front(), nullptr, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) return fail(error, "cannot start " + command.front());
  return pid;
}

// Until the child has ended, or there is none and we are told to end. Passes a signal of ours on to
// the child, unless the terminal has sent it to both: a second one would abort it.
void await(pid_t child, const Signals& signals, const Perturbation& perturbation) {
  const FileDescriptor pidfd(child == 0 ? -1 : static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
  std::array<pollfd, 2> events = {{{pidfd.get(), POLLIN, 0}, {signals.fd(), POLLIN, 0}}};
  bool told = false;
  for (;;) {
    poll(events.data(), events.size(), kLookEachMs);
    if ((events[0].revents & POLLIN) != 0) return;
    if ((events[1].revents & POLLIN) != 0) {
      if (child == 0) return;
      if (!Signals::is_from_terminal()) kill(child, SIGTERM);
      events[1].fd = -1;
    }
    if (told || perturbation.thrown_out().empty()) continue;
    fmt::print(stderr, "raceless: nothing is perturbed any more\n");
    told = true;
  }
}

// A storm that could not run has found nothing; other commands' statuses mean what they like.
Outcome outcome_of(int status) {
  if (!WIFEXITED(status)) return Outcome::failed;
  switch (WEXITSTATUS(status)) {
    case 0:
      return Outcome::passed;
    case 2:
      return Outcome::usage;
    case 4:
      return Outcome::cannot_run;
    default:
      return Outcome::failed;
  }
}

Outcome run(const PerturbOptions& options) {
  const Result<Signals> signals = Signals::catch_all();
  if (!signals) return cannot_run(signals.error());
  const Result<Perturbation> perturbation = Perturbation::begin(options.plan);
  if (!perturbation) return cannot_run(perturbation.error());
  Result<pid_t> child = 0;
  if (!options.command.empty()) child = spawn(options.command);
  if (!child) return cannot_run(child.error());
  await(*child, *signals, *perturbation);

  Outcome outcome = Outcome::passed;
  int status = 0;
  if (*child != 0 && waitpid(*child, &status, 0) == *child && status != 0) {
    outcome = outcome_of(status);
    fmt::print(stderr, "raceless: {} {}\n", options.command.front(),
               WIFSIGNALED(status) ? fmt::format("was killed by signal {}", WTERMSIG(status))
                                   : fmt::format("has ended with {}", WEXITSTATUS(status)));
  }
  fmt::print(stderr,
             "raceless: perturbed with seed {}: CPUs kicked {} times, tasks held {} times\n",
             options.plan.seed, perturbation->kicks(), perturbation->held());
  if (const std::string reason = perturbation->thrown_out(); !reason.empty()) {
    const Outcome spoilt =
        cannot_run({0, "the kernel has ended the scheduler meanwhile: " + reason});
    if (outcome == Outcome::passed) return spoilt;  // what the command has found it has found
  }
  return outcome;
}

}  // namespace

RunCommand add_perturb(CLI::App& app) {
  auto options = std::make_shared<PerturbOptions>();
  app.add_option("-s,--seed", options->plan.seed,
                 "what is done when follows from it; to whom, does not")
      ->capture_default_str();
  app.add_option("--held", options->plan.held_percent,
                 "of a hundred tasks that could run, so many are kept from it for a while")
      ->check(CLI::Range(0U, 90U))
      ->capture_default_str();
  add_duration(
      app, "--longest", "how long at the most: 1us to 1s",
      [options](uint64_t ns) {
        if (ns < 1'000 || ns > 1'000'000'000)
          throw CLI::ValidationError("--longest", "takes 1us to 1s");
        options->plan.longest_hold_ns = ns;
      },
      "8ms");
  app.add_option("COMMAND", options->command, "until it ends; without one, until Ctrl-C");
  app.footer(
      "Stops tasks at any moment, holds some of them, and lets others overtake: races that seldom "
      "happen\n"
      "happen more often. Everything on this machine is slower meanwhile. Needs root and a kernel "
      "with\n"
      "sched_ext; booted with preempt=full, kernel code is stopped too. As in\n"
      "  raceless perturb --seed 7 -- raceless storm --target codec\n"
      "Exits as COMMAND if that is 0, 2 or 4, else with 1.");
  return [options] { return run(*options); };
}

}  // namespace raceless
