// SPDX-License-Identifier: GPL-2.0
#include "trace/event_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "device.h"
#include "duration.h"
#include "printable.h"
#include "tracing/activity.h"

namespace raceless {

namespace {

using nlohmann::ordered_json;

constexpr double kNsPerS = 1e9;

template <typename Record>
void describe_one(const Record& record, ordered_json& line);

template <>
void describe_one(const raceless_event_transition& record, ordered_json& line) {
  line["instance"] = record.instance;
  line["owner"] = record.owner;
  line["from"] = state_name(record.from);
  line["to"] = state_name(record.to);
  line["elapsed_ns"] = record.elapsed_ns;
}

template <>
void describe_one(const raceless_event_publish& record, ordered_json& line) {
  line["instance"] = record.instance;
  line["publish"] = record.publish;
  line["handed_off"] = record.handed_off;
}

template <>
void describe_one(const raceless_event_grace_period& record, ordered_json& line) {
  line["instance"] = record.instance;
  line["elapsed_ns"] = record.grace_ns;
  line["expedited"] = record.expedited != 0;
  line["instances"] = record.instances;
}

template <>
void describe_one(const raceless_event_get_fail& record, ordered_json& line) {
  line["reason"] = reason_name(record.reason);
  line["error"] = result_name(record.error);
  line["tid"] = record.tid;
}

template <>
void describe_one(const raceless_event_wait& record, ordered_json& line) {
  line["instance"] = record.instance;
  line["result"] = result_name(record.error);
  line["elapsed_ns"] = record.waited_ns;
  line["tid"] = record.tid;
}

template <>
void describe_one(const raceless_event_flight_start& /*record*/, ordered_json& /*line*/) {}

template <>
void describe_one(const raceless_event_flight_end& record, ordered_json& line) {
  line["result"] = result_name(record.error);
  line["elapsed_ns"] = record.flight_ns;
  line["modprobes"] = record.tries;
  line["failed_waiters"] = record.failed;
  line["in_place"] = record.in_place != 0;
}

template <>
void describe_one(const raceless_event_broken& record, ordered_json& line) {
  line["instance"] = record.instance;
  line["promise"] = record.promise;
}

template <>
void describe_one(const raceless_event_stop& record, ordered_json& line) {
  line["instance"] = record.instance;
  line["elapsed_ns"] = record.stop_ns;
}

template <>
void describe_one(const raceless_event_module& record, ordered_json& line) {
  const uint32_t type = record.event.type;
  if (type == RACELESS_EVENT_MODULE_GET_FAIL) line["reason"] = get_reason_name(record.reason);
  if (type == RACELESS_EVENT_MODULE_LOADED || type == RACELESS_EVENT_MODULE_UNLOADED)
    line["result"] = result_name(record.error);
  if (record.elapsed_ns != 0) line["elapsed_ns"] = record.elapsed_ns;
  line["comm"] = record.comm;
  line["tid"] = record.tid;
}

template <>
void describe_one(const raceless_event_call& record, ordered_json& line) {
  line["call"] = call_name(record.call);
  line["error"] = result_name(record.error);
  line["cause"] = to_string(static_cast<FailureCause>(record.cause));
  line["comm"] = record.comm;
  line["tid"] = record.tid;
}

// The number of the stack that an event has; negative if none.
template <typename Record>
int32_t stack_of(const Record& record) {
  if constexpr (requires { record.stack; }) return record.stack;
  return -1;
}

bool is_of_module(uint32_t type) { return type >= RACELESS_EVENT_MODULE_LOAD; }

// What is said by columns of their own, or below.
bool is_column(const std::string& key) {
  return key == "time" || key == "type" || key == "name" || key == "module" || key == "comm" ||
         key == "tid" || key == "stack" || key == "cpu";
}

std::string value_text(const std::string& key, const ordered_json& value) {
  if (key == "elapsed_ns") return format_duration(value.get<uint64_t>());
  if (value.is_boolean()) return value.get<bool>() ? key : "";
  std::string text = value.is_string() ? printable(value.get<std::string>()) : value.dump();
  if (key == "result" || key == "reason" || key == "call" || key == "error" || key == "cause" ||
      key == "to")
    return text;
  if (key == "caller") return "in " + text;
  return key + " " + text;
}

}  // namespace

EventView::EventView(Naming naming, bool with_stacks, std::vector<std::string> watched,
                     uint64_t start_ns, std::set<std::string> owned)
    : naming_(std::move(naming)),
      with_stacks_(with_stacks),
      watched_(std::move(watched)),
      start_ns_(start_ns),
      owned_(std::move(owned)) {}

bool EventView::is_watched(const std::string& module) const {
  return watched_.empty() || std::ranges::find(watched_, module) != watched_.end();
}

bool EventView::is_shown(const Event& event) {
  if (watched_.empty()) return true;
  const uint32_t type = header(event).type;
  // A request or a call names an alias, most of the time.
  if (is_of_module(type)) {
    return std::visit(
        [this](const auto& record) {
          return record.name[0] == '\0' || is_watched(naming_.module_of(record.name));
        },
        event);
  }
  if (const auto* transition = std::get_if<raceless_event_transition>(&event);
      transition != nullptr && is_watched(transition->owner))
    owned_.insert(transition->name);
  return std::visit([this](const auto& record) { return owned_.contains(record.name); }, event);
}

EventView::NamedStack EventView::name_stack(int32_t stack) const {
  const std::vector<uint64_t> addresses = naming_.stack(stack);
  NamedStack named{naming_.caller(addresses), {}};
  if (with_stacks_) named.frames = naming_.frames(addresses);
  // What has none may get one when the symbols are read again.
  const auto is_number = [](const std::string& name) { return name.starts_with("0x"); };
  named.is_complete = !addresses.empty() && !is_number(named.caller) &&
                      std::ranges::none_of(named.frames, is_number);
  return named;
}

void EventView::add_stack(int32_t stack, ordered_json& line) {
  if (stack < 0) return;
  NamedStack& named = stacks_[stack];
  if (!named.is_complete) named = name_stack(stack);
  line["caller"] = named.caller;
  if (with_stacks_) line["stack"] = named.frames;
}

ordered_json EventView::json(const Event& event) {
  if (!is_shown(event)) return nullptr;
  const raceless_event& head = header(event);
  // An event may have been on its way when the clock was read.
  const uint64_t since_ns = head.time_ns > start_ns_ ? head.time_ns - start_ns_ : 0;
  ordered_json line = {{"type", event_type_name(head.type)},
                       {"time", static_cast<double>(since_ns) / kNsPerS},
                       {"cpu", head.cpu}};
  std::visit(
      [&](const auto& record) {
        line["name"] = record.name;
        if (head.type == RACELESS_EVENT_CALL_FAIL || head.type == RACELESS_EVENT_MODULE_REQUEST)
          line["module"] = naming_.module_of(record.name);
        describe_one(record, line);
        add_stack(stack_of(record), line);
      },
      event);
  return line;
}

std::string event_text(const ordered_json& line) {
  std::string details;
  for (const auto& [key, value] : line.items()) {
    if (is_column(key)) continue;
    const std::string text = value_text(key, value);
    if (!text.empty()) details += (details.empty() ? "" : ", ") + text;
  }
  std::string who;
  if (line.contains("comm"))
    who = fmt::format("{}[{}]", printable(line.at("comm").get<std::string>()),
                      line.at("tid").get<uint32_t>());
  else if (line.contains("tid"))
    who = fmt::format("[{}]", line.at("tid").get<uint32_t>());
  std::string name = line.at("name").get<std::string>();
  if (const std::string module = line.value("module", ""); !module.empty() && module != name)
    name = fmt::format("{} ({})", module, name);
  name = printable(name);
  std::string text = fmt::format("{:12.6f}  {:<15}  {:<16}  {:<40}  {}",
                                 line.at("time").get<double>(), line.at("type").get<std::string>(),
                                 name.empty() ? "(no name)" : name, details, who);
  text.erase(text.find_last_not_of(' ') + 1);
  if (line.contains("stack"))
    for (const ordered_json& frame : line.at("stack"))
      text += "\n                " + printable(frame.get<std::string>());
  return text;
}

}  // namespace raceless
