// SPDX-License-Identifier: GPL-2.0
// Asks everything that knows something of a module's references, and puts it together.
#ifndef RACELESS_CONTROLLER_HOLDERS_SURVEY_H
#define RACELESS_CONTROLLER_HOLDERS_SURVEY_H

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include "holders/answer.h"
#include "holders/get_ledger.h"
#include "holders/holder_programs.h"
#include "holders/subject.h"
#include "result.h"
#include "signals.h"
#include "trace/symbols.h"

namespace raceless {

class Survey {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Survey>> open(Subject subject, bool record);

  // Until the time is up (0: never) or a signal comes. `begun` is called when no get is missed any
  // more.
  [[nodiscard]] Status record(const Signals& signals, uint64_t duration_ns,
                              const std::function<void()>& begun);
  // Who holds it now; with what was recorded.
  [[nodiscard]] Result<Answer> answer();

 private:
  Survey(Subject subject, HolderPrograms programs, uint64_t start_ns)
      : subject_(std::move(subject)), programs_(std::move(programs)), start_ns_(start_ns) {}

  // Is it a load that puts the reference that its module was born with, of which no get is seen?
  [[nodiscard]] bool is_birth(uint64_t put_ip);
  [[nodiscard]] Status look(Answer& answer);
  [[nodiscard]] Status finish_recording(Answer& answer);

  Subject subject_;
  HolderPrograms programs_;
  uint64_t start_ns_;
  Symbols symbols_;
  std::unordered_map<uint64_t, bool> births_;  // by who puts: names are read at leisure
  std::optional<GetLedger> ledger_;
  uint64_t recorded_ns_ = 0;
};

}  // namespace raceless

#endif
