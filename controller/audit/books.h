// SPDX-License-Identifier: GPL-2.0
// The registry's numbers against those that the kernel counted without it.
//
// What is compared is exact once nothing happens any more; whoever compares earlier tries again.
#ifndef RACELESS_CONTROLLER_AUDIT_BOOKS_H
#define RACELESS_CONTROLLER_AUDIT_BOOKS_H

#include "audit/comparison.h"
#include "audit/hist_trigger.h"
#include "audit/ledger.h"
#include "audit/module_list.h"
#include "state_file.h"

namespace raceless {

// What the kernel itself counted for each module since the audit began, by name.
struct ModuleEvents {
  HistTrigger loads;
  HistTrigger frees;
  HistTrigger gets;
  HistTrigger puts;

  // Before the first module that shall be in it.
  [[nodiscard]] static Status arm();
  [[nodiscard]] static Result<ModuleEvents> read();
};

// The registry that is loaded: /proc/raceless against the ledger's last book, within itself, and
// against the kernel's counts of the modules.
void compare_loaded(const StateFile& state, const Book& book, const ModuleList& modules,
                    Comparison& comparison);

// One that has been unloaded: what it said last against its book.
void compare_unloaded(const Book& book, Comparison& comparison);

// References to the project's modules, taken and dropped, and their loads.
void compare_modules(const ModuleEvents& events, const ModuleList& modules, Comparison& comparison);

}  // namespace raceless

#endif
