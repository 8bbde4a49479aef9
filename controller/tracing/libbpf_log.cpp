// SPDX-License-Identifier: GPL-2.0
#include "libbpf_log.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>

namespace raceless {
namespace {

// A verifier's log has thousands of lines; the last ones say what it was.
constexpr std::size_t kept_bytes = 1200;

thread_local std::string* log_of_this_thread = nullptr;

int keep(libbpf_print_level level, const char* format, va_list arguments) {
  if (level > LIBBPF_WARN || !log_of_this_thread) return 0;
  char* line = nullptr;
  const int bytes = vasprintf(&line, format, arguments);
  if (bytes < 0) return 0;
  log_of_this_thread->append(line);
  free(line);
  if (log_of_this_thread->size() > 2 * kept_bytes) {
    log_of_this_thread->erase(0, log_of_this_thread->size() - kept_bytes);
  }
  return bytes;
}

std::string last_of(const std::string& log) {
  std::string last = log.size() > kept_bytes ? "…" + log.substr(log.size() - kept_bytes) : log;
  while (!last.empty() && last.back() == '\n') last.pop_back();
  return last;
}

}  // namespace

LibbpfLog::LibbpfLog() {
  log_of_this_thread = &log_;
  previous_ = libbpf_set_print(keep);
}

LibbpfLog::~LibbpfLog() {
  libbpf_set_print(previous_);
  log_of_this_thread = nullptr;
}

tl::unexpected<Error> LibbpfLog::fail(int code, const std::string& context) const {
  std::string message = context;
  if (code == EPERM || code == EACCES) message += " (needs root: CAP_BPF and CAP_PERFMON)";
  if (!log_.empty()) message += "; libbpf says: " + last_of(log_);
  return raceless::fail(code, message);
}

}  // namespace raceless
