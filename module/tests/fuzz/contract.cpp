// SPDX-License-Identifier: GPL-2.0
#include "contract.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "uapi/raceless.h"

namespace raceless::fuzz {

namespace {

constexpr std::array<Arena::Range, 1> kGetAnswers = {
    {{offsetof(raceless_get, ref), sizeof(raceless_get)}}};
constexpr std::array<Arena::Range, 3> kCallAnswers = {
    {{offsetof(raceless_call, out_bytes), offsetof(raceless_call, name)},
     {offsetof(raceless_call, reason), offsetof(raceless_call, reserved)},
     {offsetof(raceless_call, publish), sizeof(raceless_call)}}};
constexpr std::array<Arena::Range, 1> kUnloadAnswers = {
    {{offsetof(raceless_unload, instance), sizeof(raceless_unload)}}};

// The errors of a reference that may have to be waited for.
constexpr auto kWaits = {0,      ENOENT, EBUSY,  ENOMEM, ETIMEDOUT, EDEADLK,
                         EDQUOT, EAGAIN, ENOSPC, EINVAL, E2BIG,     EFAULT};

const std::array<Contract, kKinds> kContracts = {{
    {"GET", RACELESS_IOC_GET, sizeof(raceless_get), errors(kWaits) | errors({EMFILE}), kGetAnswers},
    {"PUT",
     RACELESS_IOC_PUT,
     sizeof(raceless_put),
     errors({0, EBADF, EBUSY, EINVAL, E2BIG, EFAULT}),
     {}},
    {"CALL", RACELESS_IOC_CALL, sizeof(raceless_call),
     errors(kWaits) | errors({EBADF, EOPNOTSUPP, EMSGSIZE, EBADMSG}), kCallAnswers},
    {"UNLOAD", RACELESS_IOC_UNLOAD, sizeof(raceless_unload),
     errors({0, ENOENT, EBUSY, EDEADLK, EAGAIN, EPERM, EMFILE, EDQUOT, ENOMEM, ETIMEDOUT, EINVAL,
             E2BIG, EFAULT}),
     kUnloadAnswers},
    {"RELEASE",
     RACELESS_IOC_RELEASE,
     sizeof(raceless_release),
     errors({0, ENOENT, EBUSY, EINVAL, E2BIG, EFAULT}),
     {}},
    {"UNLOAD_MANY",
     RACELESS_IOC_UNLOAD_MANY,
     sizeof(raceless_unload_many),
     errors({0, EAGAIN, EPERM, EINVAL, EMFILE, ENOMEM, E2BIG, EFAULT}),
     {}},
    {"GATE",
     RACELESS_IOC_GATE,
     sizeof(raceless_gate),
     errors({0, EPERM, EBUSY, EOPNOTSUPP, ENOMEM, EINVAL, E2BIG, EFAULT}),
     {}},
    {"unknown command", 0, 0, errors({ENOTTY}), {}},
}};

}  // namespace

Errors errors(std::initializer_list<int> codes) {
  Errors set;
  for (const int code : codes) set.set(static_cast<size_t>(code));
  return set;
}

std::string error_name(int code) {
  const char* name = strerrorname_np(code);
  return name ? name : std::to_string(code);
}

const Contract& contract(Kind kind) { return kContracts[static_cast<size_t>(kind)]; }

bool is_name(const char* name) {
  const std::string_view text(name, strnlen(name, RACELESS_NAME_SIZE));
  return !text.empty() && text.size() <= RACELESS_NAME_MAX &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

}  // namespace raceless::fuzz
