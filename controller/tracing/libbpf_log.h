// SPDX-License-Identifier: GPL-2.0
// What libbpf says goes into our error messages, not to stderr.
#ifndef RACELESS_CONTROLLER_TRACING_LIBBPF_LOG_H
#define RACELESS_CONTROLLER_TRACING_LIBBPF_LOG_H

#include <bpf/libbpf.h>

#include <string>

#include "../result.h"

namespace raceless {

// Collects libbpf's warnings of this thread for as long as it lives. libbpf has one sink for
// the whole process: what other threads make it say meanwhile is dropped.
class LibbpfLog {
 public:
  LibbpfLog();
  ~LibbpfLog();
  LibbpfLog(const LibbpfLog&) = delete;
  LibbpfLog& operator=(const LibbpfLog&) = delete;

  // An error with the last of what libbpf said, which names the cause, and the remedy if it
  // is a matter of privilege.
  tl::unexpected<Error> fail(int code, const std::string& context) const;

 private:
  std::string log_;
  libbpf_print_fn_t previous_;
};

}  // namespace raceless

#endif
