// SPDX-License-Identifier: GPL-2.0
// A thread that unloads.
#ifndef RACELESS_BPF_GUEST_TIGHT_UNLOADER_H
#define RACELESS_BPF_GUEST_TIGHT_UNLOADER_H

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>

#include "module_loader.h"

namespace raceless {

// Unloads `module` without a pause for as long as it lives, and leaves none behind that nobody
// uses.
class TightUnloader {
 public:
  explicit TightUnloader(std::string module)
      : thread_([this, module = std::move(module)] {
          bool last = false;
          do {
            last = stop_;
            unloads_ += delete_module(module) == 0;
          } while (!last);
        }) {}
  ~TightUnloader() { stop(); }
  std::uint64_t stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    return unloads_;
  }

 private:
  std::atomic<bool> stop_ = false;
  std::uint64_t unloads_ = 0;
  std::thread thread_;
};

}  // namespace raceless

#endif
