// SPDX-License-Identifier: GPL-2.0
// fuzz: calls of all kinds on /dev/raceless, from one seed. Runs as root in a guest
// (vm/cases/fuzz.sh); unloads what it likes. GoogleTest's options choose among its tests.
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <random>
#include <string>

#include "../ktap.h"
#include "performer.h"
#include "settings.h"

int main(int argc, char** argv) {
  using raceless::fuzz::settings;
  testing::InitGoogleTest(&argc, argv);
  settings.seed = std::random_device()();
  std::string user;
  CLI::App app("makes calls of all kinds on /dev/raceless, and looks at what comes of them",
               "fuzz");
  app.add_option("--seed", settings.seed, "of all that is random; printed if none is given");
  app.add_option("--calls", settings.calls, "so many of each user")->capture_default_str();
  app.add_option("--seconds", settings.seconds, "no longer than that for each user");
  app.add_option("--threads", settings.threads, "of each user")
      ->check(CLI::Range(size_t{1}, raceless::fuzz::kMostThreads))
      ->capture_default_str();
  app.add_option("--uid", user, "only the calls of this one")
      ->check(CLI::IsMember({"root", "nobody"}));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (!user.empty()) testing::GTEST_FLAG(filter) = user == "root" ? "Fuzz.ByRoot" : "Fuzz.ByNobody";
  testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();
  delete listeners.Release(listeners.default_result_printer());
  listeners.Append(new raceless::KtapPrinter);
  return RUN_ALL_TESTS();
}
