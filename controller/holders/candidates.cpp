// SPDX-License-Identifier: GPL-2.0
#include "holders/candidates.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace raceless {

namespace {

// The dependents' references are taken by whoever loads them.
std::set<uint32_t> users_of(const std::vector<Holder>& holders) {
  std::set<uint32_t> pids;
  for (const Holder& holder : holders)
    for (const HolderUser& user : holder.users) pids.insert(user.pid);
  return pids;
}

}  // namespace

std::vector<Candidate> make_candidates(const std::vector<ModuleGet>& gets,
                                       const std::vector<Holder>& holders, uint64_t now_ns,
                                       const GetNaming& naming) {
  const std::set<uint32_t> users = users_of(holders);
  std::map<std::pair<bool, std::vector<uint64_t>>, Candidate> by_stack;
  for (const ModuleGet& get : gets) {
    const bool named = users.contains(get.pid);
    Candidate& candidate = by_stack[{named, get.stack}];
    candidate.count++;
    candidate.named = named;
    // A clock of another CPU may be a little ahead.
    candidate.oldest_ns =
        std::max(candidate.oldest_ns, now_ns > get.time_ns ? now_ns - get.time_ns : 0);
    const auto same = [&get](const TaskName& taker) { return taker.tid == get.tid; };
    if (std::ranges::none_of(candidate.takers, same))
      candidate.takers.push_back({get.pid, get.tid, get.comm, naming.is_alive(get.tid)});
  }
  std::vector<Candidate> candidates;
  for (auto& [key, candidate] : by_stack) {
    candidate.stack = naming.stack(key.second);
    candidates.push_back(std::move(candidate));
  }
  std::ranges::stable_sort(candidates, [](const Candidate& a, const Candidate& b) {
    return std::tuple(a.named, b.count) < std::tuple(b.named, a.count);
  });
  return candidates;
}

}  // namespace raceless
