// SPDX-License-Identifier: GPL-2.0
// Allocations of raceless.ko that fail because the kernel was told so (failslab,
// Documentation/fault-injection): needs CONFIG_FAILSLAB with its stack filter, as in KERNEL=debug.
#ifndef RACELESS_MODULE_TESTS_FAULTS_FAILING_H
#define RACELESS_MODULE_TESTS_FAULTS_FAILING_H

#include <string>

namespace raceless {

// A range of the kernel's or a module's text.
struct Text {
  unsigned long begin = 0;
  unsigned long end = 0;
};

// Only allocations count that are made in some text, or for it by functions that it calls. Those of
// the kernel's own search for leaks never do.
class Failing {
 public:
  [[nodiscard]] static bool available();

  // Of a function of the kernel or of raceless.ko, which must be loaded then; a test's failure, and
  // nothing, if there is none of that name.
  [[nodiscard]] static Text text_of(const std::string& function);
  [[nodiscard]] static Text text_of_raceless();

  explicit Failing(Text text);
  ~Failing();
  Failing(const Failing&) = delete;
  Failing& operator=(const Failing&) = delete;

  // The nth allocation of this thread fails, counted from now.
  void fail_nth(int nth) const;
  // Ends that. Has it failed?
  [[nodiscard]] bool stop() const;

  // Until end() every allocation in `text` fails: of all tasks, …
  void fail_in(Text text) const;
  // … of this thread, …
  void fail_mine_in(Text text) const;
  // … or, of all tasks, only the first one after so many bytes were given out there.
  void fail_once_in(Text text, int bytes) const;
  // Of the last one: has it failed?
  bool end() const;

 private:
  Text text_;
};

}  // namespace raceless

#endif
