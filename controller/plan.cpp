// SPDX-License-Identifier: GPL-2.0
#include "plan.h"

namespace raceless {

std::string_view role_name(Role role) {
  constexpr std::array<std::string_view, 3> kNames = {"loader", "unloader", "consumer"};
  return kNames[static_cast<size_t>(role)];
}

uint64_t Random::next() {
  state_ += 0x9e3779b97f4a7c15ULL;
  uint64_t mixed = state_;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ULL;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebULL;
  return mixed ^ (mixed >> 31);
}

uint64_t Random::below(uint64_t bound) {
  // The high half of a product: no loop, so that every number costs exactly one draw.
  return static_cast<uint64_t>((static_cast<unsigned __int128>(next()) * bound) >> 64);
}

uint64_t Random::between(uint64_t first, uint64_t last) { return first + below(last - first + 1); }

Op OpStream::next() {
  // Every field costs its draws whether it is used or not: the sequence must not depend on pacing.
  const bool tight = random_.below(100) < pacing_.tight_percent;
  const uint64_t pause_ns = random_.between(pacing_.min_ns, pacing_.max_ns);
  // Mostly short: the square of a uniform fraction.
  const uint64_t fraction = random_.below(1025);
  const uint64_t hold_ns = max_hold_ns_ / (1024 * 1024) * fraction * fraction +
                           max_hold_ns_ % (1024 * 1024) * fraction * fraction / (1024 * 1024);
  Op op{};
  op.pause_ns = tight ? 0 : pause_ns;
  op.hold_ns = hold_ns;
  op.calls = static_cast<uint32_t>(random_.between(1, 8));
  op.percent = static_cast<uint32_t>(random_.below(100));
  op.choice = random_.next();
  return op;
}

void PlanDigest::add(const Op& op) {
  operations_++;
  for (const uint64_t field :
       {op.pause_ns, op.hold_ns, uint64_t{op.calls}, uint64_t{op.percent}, op.choice})
    value_ = Random(value_ ^ field).next();
}

PlanDigest OpStream::digest(uint64_t operations) {
  PlanDigest digest;
  while (digest.operations() < operations) digest.add(next());
  return digest;
}

OpStream Plan::stream(Role role, uint32_t index, Pacing pacing, uint64_t max_hold_ns) const {
  Random seeder(seed_);
  const uint64_t base = seeder.next();
  Random per_thread(base ^ (static_cast<uint64_t>(role) << 32 | index));
  return {Random(per_thread.next()), pacing, max_hold_ns};
}

}  // namespace raceless
