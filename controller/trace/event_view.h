// SPDX-License-Identifier: GPL-2.0
// Events as one JSON object each, and as a line of text made from that.
#ifndef RACELESS_CONTROLLER_TRACE_EVENT_VIEW_H
#define RACELESS_CONTROLLER_TRACE_EVENT_VIEW_H

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tracing/event.h"

namespace raceless {

class EventView {
 public:
  struct Naming {
    std::function<std::vector<uint64_t>(int32_t stack)> stack;  // the number of an event
    std::function<std::string(const std::vector<uint64_t>&)> caller;
    std::function<std::vector<std::string>(const std::vector<uint64_t>&)> frames;
    std::function<std::string(const std::string&)> module_of;  // of an alias
  };

  // Of the registry, an event is shown if it is about a provider of the modules that are watched,
  // or if all are; `owned` are those of them that are known already.
  EventView(Naming naming, bool with_stacks, std::vector<std::string> watched, uint64_t start_ns,
            std::set<std::string> owned);

  // Null if it is not to be shown: of a module that is not watched.
  [[nodiscard]] nlohmann::ordered_json json(const Event& event);

 private:
  struct NamedStack {
    std::string caller;
    std::vector<std::string> frames;
    bool is_complete = false;  // all of it has names, which will not change
  };

  void add_stack(int32_t stack, nlohmann::ordered_json& line);
  [[nodiscard]] NamedStack name_stack(int32_t stack) const;
  [[nodiscard]] bool is_shown(const Event& event);
  [[nodiscard]] bool is_watched(const std::string& module) const;

  Naming naming_;
  bool with_stacks_;
  std::vector<std::string> watched_;
  uint64_t start_ns_;
  std::set<std::string> owned_;  // providers of watched modules
  // By number, which the kernel never gives to another stack: a storm has few stacks, and naming
  // one for each event would be too slow to keep up with it.
  std::map<int32_t, NamedStack> stacks_;
};

// "   1.234567  module_loaded   dummy        ok, 5.20 ms             modprobe[123]"; a stack
// follows in lines of its own.
[[nodiscard]] std::string event_text(const nlohmann::ordered_json& line);

}  // namespace raceless

#endif
