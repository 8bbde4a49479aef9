// SPDX-License-Identifier: GPL-2.0
// What a fallible function returns: a value, or an error that says what failed.
#ifndef RACELESS_CONTROLLER_RESULT_H
#define RACELESS_CONTROLLER_RESULT_H

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <tl/expected.hpp>

namespace raceless {

// An errno value (never negative, 0 if none applies) and what was being done.
struct [[nodiscard]] Error {
  int code = 0;
  std::string context;

  // "cannot open /dev/raceless: EACCES (Permission denied)"
  std::string message() const {
    if (code == 0) return context;
    const char* name = strerrorname_np(code);
    return context + ": " + (name ? name : "errno " + std::to_string(code)) + " (" + description() +
           ")";
  }

 private:
  std::string description() const {
    const char* text = strerrordesc_np(code);
    return text ? text : "unknown error";
  }
};

template <typename T>
using Result = tl::expected<T, Error>;

using Status = Result<void>;

// return fail(ENOENT, "cannot find " + name);
inline tl::unexpected<Error> fail(int code, std::string context) {
  return tl::unexpected<Error>(Error{code, std::move(context)});
}

// return fail_errno("cannot open " + path);
inline tl::unexpected<Error> fail_errno(std::string context) {
  const int code = errno;
  return fail(code, std::move(context));
}

}  // namespace raceless

#endif
