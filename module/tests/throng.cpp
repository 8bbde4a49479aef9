// SPDX-License-Identifier: GPL-2.0
#include "throng.h"

namespace raceless {
namespace {

// Stacks of our own: for each of its own, the C library gives memory back when a thread ends, at
// the price of a TLB flush on all CPUs.
constexpr size_t kStackBytes = 32 << 10;

void* run(void* act) {
  (*static_cast<std::function<void()>*>(act))();
  return nullptr;
}

}  // namespace

Throng::Throng(size_t nr, std::function<void()> act)
    : act_(std::move(act)), stacks_(std::make_unique_for_overwrite<std::byte[]>(nr * kStackBytes)) {
  for (size_t i = 0; i < nr; i++) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, stacks_.get() + i * kStackBytes, kStackBytes);
    pthread_t thread;
    if (pthread_create(&thread, &attributes, run, &act_) != 0) break;
    threads_.push_back(thread);
  }
}

Throng::~Throng() { join(); }

void Throng::join() {
  for (pthread_t thread : threads_) pthread_join(thread, nullptr);
  threads_.clear();
}

}  // namespace raceless
