// SPDX-License-Identifier: GPL-2.0
#include "request.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <vector>

namespace raceless::fuzz {

namespace {

constexpr size_t kKnownSizes = Arena::kPage;  // no structure may be longer

// Of 64.
constexpr std::array<unsigned, kKinds> kWeights = {20, 12, 14, 3, 7, 2, 2, 4};

constexpr std::array<uint64_t, 5> kShortWaits = {1, 1'000, 100'000, 1'000'000, 10'000'000};
constexpr std::array<uint64_t, 4> kLongWaits = {0, 1, 50'000'000, RACELESS_MAX_TIMEOUT_NS};
constexpr std::array<uint64_t, 3> kBadWaits = {RACELESS_MAX_TIMEOUT_NS + 1, 1ULL << 63, UINT64_MAX};

constexpr std::array<const char*, 2> kProvided = {"null", "codec"};
constexpr std::array<const char*, 3> kAbsent = {"absent", "x",
                                                "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeee"};
static_assert(std::string_view(kAbsent[2]).size() == RACELESS_NAME_MAX);
constexpr std::array<const char*, 6> kBadNames = {"", "Null", "null ", "null/../x", "nu%s", "-q"};

// As much as a call may have, and a little more; shared, and never looked at.
uint64_t large_memory() {
  static void* const memory =
      mmap(nullptr, RACELESS_MAX_CALL_BYTES + Arena::kPage, PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return reinterpret_cast<uintptr_t>(memory);
}

class Builder {
 public:
  Builder(Choices& choices, Memory& memory, const Caller& caller)
      : choices_(choices), memory_(memory), caller_(caller) {}

  Request build() {
    request_.kind = random_kind();
    request_.compat = caller_.compat && choices_.one_in(4);
    switch (request_.kind) {
      case Kind::get:
        get();
        break;
      case Kind::put:
        put();
        break;
      case Kind::call:
        call();
        break;
      case Kind::unload:
        unload();
        break;
      case Kind::release:
        release();
        break;
      case Kind::unload_many:
        unload_many();
        break;
      case Kind::gate:
        gate();
        break;
      case Kind::unknown:
        unknown();
    }
    return request_;
  }

 private:
  Kind random_kind() {
    uint32_t at = choices_.below(64);
    size_t kind = 0;
    while (at >= kWeights[kind]) at -= kWeights[kind++];
    return static_cast<Kind>(kind);
  }

  // It ends with one of these; `harmless`: before it does anything.
  void narrow(std::initializer_list<int> codes, bool harmless) {
    if (narrowed_) return;
    narrowed_ = true;
    request_.allowed = errors(codes);
    request_.harmless = harmless;
  }

  void set_name(char (&name)[RACELESS_NAME_SIZE], bool absent_is_costly) {
    const auto copy = [&name](const char* text) { std::memcpy(name, text, std::strlen(text) + 1); };
    const uint32_t which = choices_.below(64);
    if (which == 0) {
      std::memset(name, 'a', sizeof(name) - choices_.below(2));
    } else if (which == 1) {
      for (char& c : name) c = static_cast<char>(choices_.next());
    } else if (which < 6) {
      copy(choices_.pick(kBadNames));
    } else if (which < 10 && (!absent_is_costly || choices_.one_in(64))) {
      copy(choices_.pick(kAbsent));
    } else {
      copy(choices_.pick(kProvided));
      // behind the NUL is nothing
      if (which == 63) name[RACELESS_NAME_SIZE - 1] = 'X';
    }
  }

  uint64_t timeout() {
    if (choices_.one_in(32)) return choices_.pick(kBadWaits);
    return caller_.patient ? choices_.pick(kLongWaits) : choices_.pick(kShortWaits);
  }

  static bool bad_timeout(uint64_t ns) { return ns > RACELESS_MAX_TIMEOUT_NS; }

  uint32_t flags(uint32_t good) {
    return choices_.one_in(32) ? choices_.next() | 1U << choices_.below(32)
                               : choices_.next() & good;
  }

  uint32_t reference() {
    constexpr std::array<uint32_t, 5> kBounds = {
        0, RACELESS_MAX_REFS_PER_FD, RACELESS_MAX_REFS_PER_FD + 1, 1U << 31, UINT32_MAX};
    return choices_.one_in(16) ? choices_.pick(kBounds) : 1 + choices_.below(6);
  }

  uint32_t random_size(size_t known) {
    const auto right = static_cast<uint32_t>(known);
    switch (choices_.below(32)) {
      case 0:
        return right - 1;
      case 1:
        return choices_.below(right);
      case 2:
        return right + 8;
      case 3:
        return right + choices_.below(256);
      case 4:
        return kKnownSizes - choices_.below(2);
      case 5:
        return kKnownSizes + 1;
      case 6:
        return choices_.next();
      default:
        return right;
    }
  }

  // The bytes of a structure of that size: what is beyond `known` is zero, or garbage in one byte.
  std::vector<uint8_t> extended(const void* structure, size_t known, size_t size, bool& garbage) {
    std::vector<uint8_t> bytes(std::clamp(size, known, kKnownSizes));
    std::memcpy(bytes.data(), structure, known);
    garbage = bytes.size() > known && choices_.one_in(2);
    if (garbage) bytes[known + choices_.below(static_cast<uint32_t>(bytes.size() - known))] = 1;
    return bytes;
  }

  // Places the structure, and knows what is wrong with its envelope: size, address, bytes beyond.
  // Comes before everything that is wrong inside.
  template <typename T>
  void envelop(T& structure) {
    const Contract& promised = contract(request_.kind);
    structure.size = random_size(sizeof(T));
    bool garbage = false;
    const auto bytes = extended(&structure, sizeof(T), structure.size, garbage);
    memory_.argument.place(bytes, choices_, request_.compat);
    set_command(promised.command);
    const size_t readable = memory_.argument.readable();
    if (readable < sizeof(structure.size))
      narrow({EFAULT}, true);
    else if (structure.size < sizeof(T))
      narrow({EINVAL}, true);
    else if (structure.size > kKnownSizes || (garbage && readable >= bytes.size()))
      narrow({E2BIG}, true);
    else if (readable < bytes.size())
      narrow({EFAULT, garbage ? E2BIG : EFAULT}, true);
    request_.untouched = narrowed_;
    // it runs, and nobody hears of it
    if (!promised.answers.empty() && !memory_.argument.writable()) narrow({EFAULT}, false);
  }

  // The size in the command does not count, nor does its direction.
  void set_command(uint32_t command) {
    if (choices_.one_in(16)) command ^= (choices_.next() & 0xffff) << 16;
    request_.command = command;
  }

  void finish(bool faulty, std::string text) {
    if (!narrowed_) {
      request_.allowed = contract(request_.kind).errors & ~errors({E2BIG, EPERM});
      if (!faulty) request_.allowed &= ~errors({EFAULT});
      // what is in order; a provider may see that otherwise
      if (request_.kind != Kind::call) request_.allowed &= ~errors({EINVAL});
    }
    request_.text =
        fmt::format("{}{} at {:#x} ({} of {} readable{}): {}", contract(request_.kind).name,
                    request_.compat ? " of 32 bits" : "", memory_.argument.address(),
                    memory_.argument.readable(), memory_.argument.sent().size(),
                    memory_.argument.writable() ? "" : ", read-only", text);
  }

  void get();
  void put();
  void call();
  void unload();
  void release();
  void unload_many();
  void gate();
  void unknown();
  void set_input(raceless_call& call);
  void set_output(raceless_call& call);

  Choices& choices_;
  Memory& memory_;
  const Caller& caller_;
  Request request_;
  bool narrowed_ = false;
};

std::string_view shown(const char (&name)[RACELESS_NAME_SIZE]) {
  return {name, strnlen(name, sizeof(name))};
}

void Builder::get() {
  raceless_get get{};
  get.flags = flags(RACELESS_GET_NOWAIT);
  const bool waits = !(get.flags & RACELESS_GET_NOWAIT);
  set_name(get.name, waits && !caller_.patient);
  get.timeout_ns = timeout();
  get.ref = get.reason = choices_.next();
  get.instance = get.publish = get.joined = get.waited_ns = choices_.next();
  envelop(get);
  if (get.flags & ~RACELESS_GET_NOWAIT || !is_name(get.name)) narrow({EINVAL}, true);
  // it has its number, its charge and its slot by then
  if (waits && bad_timeout(get.timeout_ns)) narrow({EINVAL, EMFILE, EDQUOT, ENOSPC}, false);
  finish(false, fmt::format("size {}, flags {:#x}, name '{}', timeout {}", get.size, get.flags,
                            shown(get.name), get.timeout_ns));
}

void Builder::put() {
  raceless_put put{};
  put.ref = reference();
  envelop(put);
  if (put.ref < 1 || put.ref > RACELESS_MAX_REFS_PER_FD) narrow({EBADF}, true);
  finish(false, fmt::format("size {}, ref {}", put.size, put.ref));
}

void Builder::set_input(raceless_call& call) {
  constexpr std::array<uint32_t, 4> kLarge = {RACELESS_MAX_CALL_BYTES, RACELESS_MAX_CALL_BYTES + 1,
                                              1U << 31, UINT32_MAX};
  const uint32_t how = choices_.below(128);
  if (how == 0) {
    call.in_bytes = choices_.pick(kLarge);
    call.in = large_memory();
    return;
  }
  call.in_bytes = how < 64 ? 0 : choices_.below(how < 120 ? 64 : 4 * Arena::kPage);
  std::vector<uint8_t> bytes(call.in_bytes);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(how < 96 ? choices_.next() : how);
  memory_.input.place(bytes, choices_, false);
  call.in = memory_.input.address();
}

void Builder::set_output(raceless_call& call) {
  constexpr std::array<uint32_t, 4> kLarge = {RACELESS_MAX_CALL_BYTES, RACELESS_MAX_CALL_BYTES + 1,
                                              1U << 31, UINT32_MAX};
  const uint32_t how = choices_.below(128);
  if (how == 0) {
    call.out_bytes = choices_.pick(kLarge);
    call.out = large_memory();
    return;
  }
  call.out_bytes = how < 32 ? choices_.below(5) : choices_.below(how < 120 ? 128 : 4 * 4096);
  memory_.output.place(std::vector<uint8_t>(call.out_bytes, Arena::kPattern), choices_, false);
  call.out = memory_.output.address();
}

void Builder::call() {
  raceless_call call{};
  const bool by_name = choices_.one_in(2);
  call.flags = by_name ? RACELESS_CALL_BY_NAME : 0;
  if (choices_.one_in(32)) call.flags |= 1U << choices_.below(32);
  if (!by_name || choices_.one_in(32)) call.ref = reference();
  call.op = choices_.one_in(16) ? choices_.next() : choices_.below(4);
  if (choices_.one_in(32)) call.reserved = choices_.next();
  set_input(call);
  set_output(call);
  set_name(call.name, by_name && !caller_.patient);
  call.timeout_ns = timeout();
  call.instance = call.publish = call.joined = call.waited_ns = call.reason = choices_.next();
  envelop(call);
  const bool named = call.flags & RACELESS_CALL_BY_NAME;
  if (call.flags & ~RACELESS_CALL_BY_NAME || call.reserved || (named && call.ref))
    narrow({EINVAL}, true);
  if (call.in_bytes > RACELESS_MAX_CALL_BYTES || call.out_bytes > RACELESS_MAX_CALL_BYTES)
    narrow({EMSGSIZE}, true);
  if (call.in != large_memory() && memory_.input.readable() < call.in_bytes)
    narrow({EFAULT, ENOMEM}, true);
  if (!named && (call.ref < 1 || call.ref > RACELESS_MAX_REFS_PER_FD)) narrow({EBADF}, true);
  if (named && !is_name(call.name)) narrow({EINVAL}, true);
  if (named && bad_timeout(call.timeout_ns)) narrow({EINVAL, EDQUOT, ENOSPC}, false);
  const bool faulty = call.out != large_memory() && !memory_.output.writable();
  finish(faulty, fmt::format("size {}, flags {:#x}, ref {}, op {}, in {}, out {}, name '{}', "
                             "timeout {}",
                             call.size, call.flags, call.ref, call.op, call.in_bytes,
                             call.out_bytes, shown(call.name), call.timeout_ns));
  if (!narrowed_ && named) request_.allowed &= ~errors({EBADF});
}

constexpr uint32_t kUnloadFlags =
    RACELESS_UNLOAD_HOLD | RACELESS_UNLOAD_POLITE | RACELESS_UNLOAD_REPLACE;

bool bad_unload_flags(uint32_t flags) {
  return flags & ~kUnloadFlags || (flags & RACELESS_UNLOAD_HOLD && flags & RACELESS_UNLOAD_REPLACE);
}

void Builder::unload() {
  raceless_unload unload{};
  unload.flags = flags(kUnloadFlags);
  set_name(unload.name, false);
  unload.timeout_ns = timeout();
  unload.instance = unload.stop_ns = unload.destroy_ns = choices_.next();
  std::memset(unload.owner, 'o', sizeof(unload.owner));
  envelop(unload);
  if (!caller_.privileged) narrow({EPERM}, true);
  if (bad_unload_flags(unload.flags) || bad_timeout(unload.timeout_ns)) narrow({EINVAL}, true);
  // limits are looked at first
  if (!is_name(unload.name)) narrow({EINVAL, EMFILE, EDQUOT}, false);
  finish(false, fmt::format("size {}, flags {:#x}, name '{}', timeout {}", unload.size,
                            unload.flags, shown(unload.name), unload.timeout_ns));
}

void Builder::release() {
  raceless_release release{};
  if (choices_.one_in(16)) release.flags = 1U << choices_.below(32);
  set_name(release.name, false);
  envelop(release);
  if (release.flags || !is_name(release.name)) narrow({EINVAL}, true);
  finish(false, fmt::format("size {}, flags {:#x}, name '{}'", release.size, release.flags,
                            shown(release.name)));
}

void Builder::unload_many() {
  constexpr size_t kKnown = sizeof(raceless_unload_entry);
  constexpr std::array<uint32_t, 4> kNumbers = {0, RACELESS_MAX_HOLDS_PER_FD,
                                                RACELESS_MAX_HOLDS_PER_FD + 1, UINT32_MAX};
  raceless_unload_many many{};
  many.flags = flags(kUnloadFlags);
  many.timeout_ns = timeout();
  many.nr = choices_.one_in(8) ? choices_.pick(kNumbers) : 1 + choices_.below(3);
  many.entry_bytes = random_size(kKnown);
  bool garbage = false;
  std::vector<uint8_t> bytes;
  const size_t stride = std::clamp<size_t>(many.entry_bytes, kKnown, kKnownSizes);
  for (uint32_t i = 0; i < std::min<uint32_t>(many.nr, RACELESS_MAX_HOLDS_PER_FD); i++) {
    raceless_unload_entry entry{};
    set_name(entry.name, false);
    entry.error = entry.reserved = choices_.next();
    std::memset(entry.owner, 'o', sizeof(entry.owner));
    bool spoilt = false;
    const auto more = extended(&entry, kKnown, stride, spoilt);
    garbage = garbage || spoilt;
    bytes.insert(bytes.end(), more.begin(), more.end());
  }
  memory_.input.place(bytes, choices_, false);
  many.entries = memory_.input.address();
  envelop(many);
  if (!many.nr || many.entry_bytes < kKnown) narrow({EINVAL}, true);
  if (many.nr > RACELESS_MAX_HOLDS_PER_FD) narrow({EMFILE}, true);
  if (many.entry_bytes > kKnownSizes) narrow({E2BIG}, true);
  const bool readable = memory_.input.readable() == bytes.size();
  if (garbage || !readable)
    narrow({garbage ? E2BIG : EFAULT, readable ? E2BIG : EFAULT, ENOMEM}, true);
  if (!caller_.privileged) narrow({EPERM}, true);
  if (bad_unload_flags(many.flags) || bad_timeout(many.timeout_ns)) narrow({EINVAL}, true);
  if (!memory_.input.writable()) narrow({EFAULT}, false);
  finish(false, fmt::format("size {}, flags {:#x}, {} entries of {}, timeout {}", many.size,
                            many.flags, many.nr, many.entry_bytes, many.timeout_ns));
}

void Builder::gate() {
  raceless_gate gate{};
  // that it is switched patches the kernel's text, which an emulator is slow at
  gate.on = choices_.one_in(64) ? choices_.below(2) : 2 + choices_.below(UINT32_MAX - 2);
  envelop(gate);
  if (!caller_.privileged) narrow({EPERM}, true);
  if (gate.on > 1) narrow({EINVAL}, true);
  finish(false, fmt::format("size {}, on {}", gate.size, gate.on));
}

void Builder::unknown() {
  constexpr std::array<uint32_t, 3> kTypes = {'s', 'R', 0xff};
  std::vector<uint8_t> bytes(choices_.below(256));
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(choices_.next());
  memory_.argument.place(bytes, choices_, request_.compat);
  const uint32_t number = choices_.one_in(2) ? _IOC_NR(RACELESS_IOC_GATE) + 1 + choices_.below(16)
                                             : choices_.below(_IOC_NR(RACELESS_IOC_GET));
  const uint32_t type = choices_.one_in(2) ? 'r' : choices_.pick(kTypes);
  request_.command = (choices_.next() & 0xffff0000) | type << 8 | number;
  narrow({ENOTTY}, true);
  finish(false, fmt::format("command {:#x}", request_.command));
}

}  // namespace

Request make_request(Choices& choices, Memory& memory, const Caller& caller) {
  return Builder(choices, memory, caller).build();
}

}  // namespace raceless::fuzz
