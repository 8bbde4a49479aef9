// SPDX-License-Identifier: GPL-2.0
// Reads the maps of bpf/record.h. `what` is the map's name, for messages.
#ifndef RACELESS_CONTROLLER_TRACING_MAP_READER_H
#define RACELESS_CONTROLLER_TRACING_MAP_READER_H

#include <bpf/bpf.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "../../bpf/counters.h"
#include "../histogram.h"
#include "../result.h"

namespace raceless {

// The value of an array map with one entry.
template <typename Value>
Result<Value> read_value(int fd, const std::string& what) {
  const std::uint32_t only = 0;
  Value value{};
  if (bpf_map_lookup_elem(fd, &only, &value) != 0) {
    return fail_errno("cannot read the BPF map " + what);
  }
  return value;
}

// Of a map from which nothing is deleted: keys that are added meanwhile may be missed, none is
// read twice.
template <typename Key>
Result<std::vector<Key>> read_keys(int fd, const std::string& what) {
  std::vector<Key> keys;
  Key key{};
  Key previous{};
  const void* from = nullptr;
  while (bpf_map_get_next_key(fd, from, &key) == 0) {
    keys.push_back(key);
    std::memcpy(&previous, &key, sizeof(key));
    from = &previous;
  }
  if (errno != ENOENT) return fail_errno("cannot walk the BPF map " + what);
  return keys;
}

template <typename Key>
Result<std::vector<std::pair<Key, std::uint64_t>>> read_counter(int fd, const std::string& what) {
  auto keys = read_keys<Key>(fd, what);
  if (!keys) return tl::unexpected(keys.error());
  std::vector<std::pair<Key, std::uint64_t>> entries;
  for (const Key& key : *keys) {
    std::uint64_t number = 0;
    if (bpf_map_lookup_elem(fd, &key, &number) != 0) {
      return fail_errno("cannot read the BPF map " + what);
    }
    entries.emplace_back(key, number);
  }
  return entries;
}

// Whole: with the count of its buckets, also while the programs record into it. Without a key it is
// the one value of an array map.
Result<raceless_hist> read_histogram(int fd, const void* key, const std::string& what);
inline Result<raceless_hist> read_histogram(int fd, const std::string& what) {
  const std::uint32_t only = 0;
  return read_histogram(fd, &only, what);
}

// The sum over all CPUs.
Result<raceless_drops> read_drops(int fd);

// Addresses, innermost first; empty for a negative number or one that is not there.
std::vector<std::uint64_t> read_stack(int fd, std::int32_t stack);

}  // namespace raceless

#endif
