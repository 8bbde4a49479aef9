// SPDX-License-Identifier: GPL-2.0
#include "storm/context.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <ctime>

#include "gate/gate.h"

namespace raceless {

namespace {

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : "unknown";
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

}  // namespace

Context current_context() {
  utsname kernel{};
  uname(&kernel);
  return {kernel.release,
          from_environment("RACELESS_ACCEL"),
          from_environment("RACELESS_COMMIT"),
          sysconf(_SC_NPROCESSORS_ONLN),
          utc_now(),
          Gate::is_on()};
}

}  // namespace raceless
