// SPDX-License-Identifier: GPL-2.0
// Thousands of threads that do one thing each.
#ifndef RACELESS_MODULE_TESTS_THRONG_H
#define RACELESS_MODULE_TESTS_THRONG_H

#include <pthread.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace raceless {

class Throng {
 public:
  // Each runs `act`. size() says how many could be started.
  Throng(size_t nr, std::function<void()> act);
  // Joins them.
  ~Throng();

  Throng(const Throng&) = delete;
  Throng& operator=(const Throng&) = delete;

  [[nodiscard]] size_t size() const { return threads_.size(); }
  void join();

 private:
  std::function<void()> act_;
  std::unique_ptr<std::byte[]> stacks_;
  std::vector<pthread_t> threads_;
};

}  // namespace raceless

#endif
