// SPDX-License-Identifier: GPL-2.0
#include "signals.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace raceless {
namespace {

constexpr int kPatienceMs = 30'000;
constexpr char kReady = 'r';

bool comes(const Signals& signals) {
  pollfd event{signals.fd(), POLLIN, 0};
  int ready = 0;
  do ready = poll(&event, 1, kPatienceMs);
  while (ready < 0 && errno == EINTR);  // by the signal itself
  return ready == 1;
}

TEST(Signals, OneThatAProcessSendsIsNotTheTerminals) {
  const Result<Signals> signals = Signals::catch_all();
  ASSERT_TRUE(signals);
  EXPECT_FALSE(signals->pending());
  kill(getpid(), SIGINT);
  EXPECT_TRUE(comes(*signals));
  EXPECT_FALSE(Signals::is_from_terminal());
}

TEST(Signals, CtrlCIsTheTerminals) {
  int terminal = -1;
  const pid_t child = forkpty(&terminal, nullptr, nullptr, nullptr);
  ASSERT_GE(child, 0);
  if (child == 0) {
    const Result<Signals> signals = Signals::catch_all();
    (void)!write(STDOUT_FILENO, &kReady, 1);
    _exit(signals && comes(*signals) && Signals::is_from_terminal() ? 0 : 1);
  }
  char said = 0;
  ASSERT_EQ(read(terminal, &said, 1), 1);
  EXPECT_EQ(said, kReady);
  ASSERT_EQ(write(terminal, "\x03", 1), 1);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  close(terminal);
}

TEST(Signals, NohupHoldsAndOthersAreCaught) {
  signal(SIGHUP, SIG_IGN);
  signal(SIGINT, SIG_IGN);
  {
    const Result<Signals> signals = Signals::catch_all();
    ASSERT_TRUE(signals);
    raise(SIGHUP);
    EXPECT_FALSE(signals->pending());
    raise(SIGINT);
    EXPECT_TRUE(signals->pending());
  }
  EXPECT_EQ(signal(SIGHUP, SIG_DFL), SIG_IGN);
}

}  // namespace
}  // namespace raceless
