// SPDX-License-Identifier: GPL-2.0
// The gate as a storm wants it, for as long as this lives; then as it was before.
#ifndef RACELESS_CONTROLLER_GATE_GATE_SETTING_H
#define RACELESS_CONTROLLER_GATE_GATE_SETTING_H

#include <utility>

#include "gate/gate.h"
#include "terminal.h"

namespace raceless {

class GateSetting {
 public:
  [[nodiscard]] static Result<GateSetting> set(bool on) {
    GateSetting setting(Gate::is_on());
    if (Status done = turn(on); !done) return tl::unexpected(done.error());
    return setting;
  }

  GateSetting(GateSetting&& other) noexcept
      : was_on_(other.was_on_), owner_(std::exchange(other.owner_, false)) {}
  GateSetting& operator=(GateSetting&&) = delete;
  // It stays as it is now.
  void keep() { owner_ = false; }
  ~GateSetting() {
    if (!owner_) return;
    if (const Status turned = turn(was_on_); !turned)
      tell("raceless: the gate is not as it was before; raceless gate status shows it: " +
           turned.error().message() + "\n");
  }

 private:
  explicit GateSetting(bool was_on) : was_on_(was_on) {}

  static Status turn(bool on) {
    if (!on) return Gate::turn_off();
    const Result<std::vector<std::string>> missing = Gate::turn_on();
    if (!missing) return tl::unexpected(missing.error());
    return {};
  }

  bool was_on_;
  bool owner_ = true;
};

}  // namespace raceless

#endif
