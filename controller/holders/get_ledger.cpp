// SPDX-License-Identifier: GPL-2.0
#include "holders/get_ledger.h"

#include <algorithm>
#include <utility>

namespace raceless {

void GetLedger::get(ModuleGet get) {
  const uint64_t number = gets_++;
  if (open_.size() >= most_) {
    not_remembered_++;
    return;
  }
  by_thread_[get.tid].push_back(number);
  by_process_[get.pid].push_back(number);
  open_.emplace(number, std::move(get));
}

void GetLedger::drop(Numbers& numbers, uint32_t key, uint64_t number) {
  std::vector<uint64_t>& of_key = numbers[key];
  std::erase(of_key, number);
  if (of_key.empty()) numbers.erase(key);
}

void GetLedger::forget(uint64_t number) {
  const auto found = open_.find(number);
  drop(by_thread_, found->second.tid, number);
  drop(by_process_, found->second.pid, number);
  open_.erase(found);
}

void GetLedger::put(uint32_t pid, uint32_t tid) {
  puts_++;
  if (const auto own = by_thread_.find(tid); own != by_thread_.end())
    forget(own->second.back());
  else if (const auto same = by_process_.find(pid); same != by_process_.end())
    forget(same->second.back());
  else if (!open_.empty())
    forget(open_.begin()->first);
  else
    puts_of_earlier_++;
}

std::vector<ModuleGet> GetLedger::outstanding() const {
  std::vector<ModuleGet> gets;
  gets.reserve(open_.size());
  for (const auto& [number, get] : open_) gets.push_back(get);
  return gets;
}

}  // namespace raceless
