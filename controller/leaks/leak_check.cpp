// SPDX-License-Identifier: GPL-2.0
#include "leaks/leak_check.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "device.h"

namespace raceless {

namespace {

constexpr size_t kSteps = LeakCheck::least_rests;  // of growth in a row
constexpr uint64_t kManyUnloads = 8;
constexpr useconds_t kPollUs = 250'000;

Holding held(const Holdings& holdings, const HoldingKey& key) {
  const auto found = holdings.find(key);
  return found == holdings.end() ? Holding{} : found->second;
}

// "75 objects of kmalloc-64 (4800 bytes) by leak+0x1f [mine]"
std::string describe(const HoldingKey& key, const Leak& leak, const std::string& example) {
  std::string text = fmt::format("{} more {}", leak.count, leak.what);
  if (leak.bytes != 0) text += fmt::format(" ({} bytes)", leak.bytes);
  if (!example.empty()) text += ", the newest " + example;
  if (leak.caller.empty()) return text;
  return text + (key.evidence == Evidence::indirect ? ", allocated for " : ", allocated by ") +
         leak.caller;
}

}  // namespace

bool LeakCheck::due(uint64_t unloads) const { return on() && unloads >= last_unloads_ + every_; }

void LeakCheck::take(uint64_t unloads, Holdings holdings) {
  rests_.push_back({unloads, std::move(holdings)});
  if (rests_.size() > kSteps + 1) rests_.pop_front();
  last_unloads_ = unloads;
}

void LeakCheck::begin() {
  if (!on()) return;
  before_ = read_();
  take(0, before_);
}

bool LeakCheck::grew(const HoldingKey& key, const Rest& from, const Rest& to) const {
  const uint64_t then = held(from.holdings, key).count;
  const uint64_t now = held(to.holdings, key).count;
  const bool noisy = key.evidence == Evidence::indirect || key.evidence == Evidence::cache;
  const uint64_t least = noisy ? std::max<uint64_t>((to.unloads - from.unloads) / 2, 1) : 1;
  return now >= then + least;
}

LeakCheck::Keys LeakCheck::growing() const {
  Keys keys;
  if (rests_.size() <= kSteps) return keys;
  for (const auto& [key, holding] : rests_.back().holdings) {
    bool always = !reported_.contains(key);
    for (size_t i = 0; always && i < kSteps; i++) always = grew(key, rests_[i], rests_[i + 1]);
    if (always) keys.insert(key);
  }
  return keys;
}

LeakCheck::Keys LeakCheck::gone() const {
  Keys keys;
  for (const auto& [key, holding] : rests_.back().holdings)
    if (key.evidence == Evidence::gone && !reported_.contains(key) &&
        holding.count > held(before_, key).count)
      keys.insert(key);
  return keys;
}

LeakCheck::Keys LeakCheck::much() const {
  Keys keys;
  const Rest& now = rests_.back();
  for (const auto& [key, holding] : now.holdings)
    if (key.evidence == Evidence::pages && !reported_.contains(key) &&
        now.unloads >= kManyUnloads && holding.count >= held(before_, key).count + now.unloads)
      keys.insert(key);
  return keys;
}

LeakCheck::Keys LeakCheck::confirmed(const std::function<Keys()>& suspects) {
  const uint64_t deadline_ns = now_ns() + patience_ns_;
  Keys keys = suspects();
  while (!keys.empty() && now_ns() < deadline_ns) {
    usleep(std::min<uint64_t>(kPollUs, patience_ns_ / 1000));
    rests_.back().holdings = read_();
    keys = suspects();
  }
  return keys;
}

void LeakCheck::report(const Keys& keys, const std::string& why, Findings& findings) {
  // What the kernel allocated on behalf of the code, and the caches that it came from, are the
  // same leak once more.
  const bool named = std::ranges::any_of(keys, [](const HoldingKey& key) {
    return key.evidence == Evidence::gone || key.evidence == Evidence::direct;
  });
  for (const HoldingKey& key : keys) {
    reported_.insert(key);
    if (named && (key.evidence == Evidence::indirect || key.evidence == Evidence::cache)) continue;
    const Holding now = held(rests_.back().holdings, key);
    const Holding then = held(before_, key);
    leaks_.push_back({key.what, key.caller, now.count - std::min(now.count, then.count),
                      now.bytes - std::min(now.bytes, then.bytes)});
    findings.report({RACELESS_PROMISE_NONE,
                     "a leak: " + describe(key, leaks_.back(), now.example) + "; " + why, 0, "rest",
                     0});
  }
}

void LeakCheck::rest(uint64_t unloads, Findings& findings) {
  nr_rests_++;
  take(unloads, read_());
  report(confirmed([this] { return growing(); }),
         fmt::format("still growing after {} unloads", unloads), findings);
}

void LeakCheck::end(uint64_t unloads, Findings& findings) {
  if (!on()) return;
  rest(unloads, findings);
  report(confirmed([this] { return gone(); }), "the code that allocated it is unloaded", findings);
  report(confirmed([this] { return much(); }), fmt::format("in {} unloads", unloads), findings);
}

}  // namespace raceless
