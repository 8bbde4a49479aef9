// SPDX-License-Identifier: GPL-2.0
#include "trace/symbols.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "clock.h"
#include "text_file.h"

namespace raceless {

namespace {

// Reading the file makes the kernel format a hundred thousand lines.
constexpr uint64_t kReadAgainNs = 10 * kNsPerSecond;
// No function is longer; a larger offset is from a gap.
constexpr uint64_t kLongestFunction = 1 << 20;

// Trampolines, which the kernel lists as of a module, are a page at most. What is beyond one may be
// of a module that was loaded after the list was read, or has gone.
constexpr uint64_t kPage = 4096;
constexpr std::string_view kBuiltIn = "__builtin__";

constexpr std::string_view kBpf = "bpf";

// As many as the programs have room for (bpf/record.h).
constexpr size_t kMostCallers = 4096;

// How the names of what lies between a traced function and our program begin.
constexpr std::array<std::string_view, 6> kTracing = {"bpf_trampoline_", "bpf_prog_",
                                                      "bpf_trace_run",   "__bpf_trace_",
                                                      "__traceiter_",    "bpf_get_stack"};

// What is traced, and what does nothing but call it.
constexpr std::array<std::string_view, 4> kTraced = {
    "try_module_get", "synchronize_rcu", "synchronize_rcu_expedited", "synchronize_net"};

// "ffffffff81000000 T name", and " [module]" in one: false if it is no line of a function.
bool parse_line(std::string_view line, uint64_t& address, std::string_view& name,
                std::string_view& module) {
  const char* end = line.data() + line.size();
  const auto [rest, error] = std::from_chars(line.data(), end, address, 16);
  if (error != std::errc() || address == 0 || end - rest < 4) return false;
  const char type = rest[1];
  if (type != 't' && type != 'T' && type != 'w' && type != 'W') return false;
  const std::string_view text(rest + 3, static_cast<size_t>(end - rest - 3));
  const size_t gap = text.find_first_of(" \t");
  name = text.substr(0, gap);
  module = {};
  const size_t open = text.find('[');
  if (open != std::string_view::npos && text.ends_with(']'))
    module = text.substr(open + 1, text.size() - open - 2);
  return !name.empty();
}

}  // namespace

bool Symbols::is_of_module(const Symbol& symbol) {
  return !symbol.module.empty() && symbol.module != kBpf && !symbol.module.starts_with(kBuiltIn);
}

void Symbols::read() {
  read_ns_ = now_ns();
  symbols_.clear();
  modules_.clear();
  const Result<std::string> text = read_text(root_ + "/proc/kallsyms");
  if (!text) return;
  for (size_t begin = 0; begin < text->size();) {
    const size_t end = std::min(text->find('\n', begin), text->size());
    uint64_t address = 0;
    std::string_view name;
    std::string_view module;
    if (parse_line(std::string_view(*text).substr(begin, end - begin), address, name, module)) {
      symbols_.push_back({address, std::string(name), std::string(module)});
      modules_.emplace(module);
    }
    begin = end + 1;
  }
  std::ranges::stable_sort(symbols_, {}, &Symbol::address);
}

uint64_t Symbols::end_of(std::vector<Symbol>::const_iterator symbol) const {
  if (symbol->module.starts_with(kBuiltIn)) return symbol->address + kPage;
  const auto next = std::next(symbol);
  if (next != symbols_.end() && next->module == symbol->module)
    return symbol->address + kLongestFunction;
  // The kernel does not say how long the last function of a module is. The module's text ends with
  // a page: beyond this one may be a module that came after the list was read. What the function
  // has there, if it is so long, is left without a name.
  return (symbol->address | (kPage - 1)) + 1;
}

const Symbols::Symbol* Symbols::find_known(uint64_t address) const {
  const auto next = std::ranges::upper_bound(symbols_, address, {}, &Symbol::address);
  if (next == symbols_.begin()) return nullptr;
  const auto symbol = std::prev(next);
  return address < end_of(symbol) ? &*symbol : nullptr;
}

const Symbols::Symbol* Symbols::find(uint64_t address) {
  if (read_ns_ == 0) read();
  const Symbol* symbol = find_known(address);
  // Another module may be where one was whose end nobody told us.
  const bool may_change = symbol == nullptr || is_of_module(*symbol);
  if (may_change && now_ns() >= read_ns_ + kReadAgainNs) {
    read();
    symbol = find_known(address);
  }
  return symbol;
}

void Symbols::forget(const std::string& module) {
  const std::lock_guard lock(mutex_);
  if (module.empty() || modules_.erase(module) == 0) return;
  std::erase_if(symbols_, [&module](const Symbol& symbol) { return symbol.module == module; });
}

size_t Symbols::skip_tracing(const std::vector<uint64_t>& stack) {
  size_t skipped = 0;
  for (; skipped < stack.size(); skipped++) {
    const Symbol* symbol = find(stack[skipped]);
    // A trampoline that is newer than our list has no name in it.
    if (symbol == nullptr || symbol->module == kBpf) continue;
    const std::string_view name = symbol->name;
    if (std::ranges::none_of(kTracing, [name](auto begin) { return name.starts_with(begin); }))
      break;
  }
  return skipped;
}

std::string Symbols::describe(uint64_t address) {
  const std::lock_guard lock(mutex_);
  const Symbol* symbol = find(address);
  if (symbol == nullptr) return fmt::format("{:#x}", address);
  return fmt::format("{}+{:#x}{}", symbol->name, address - symbol->address,
                     symbol->module.empty() ? "" : fmt::format(" [{}]", symbol->module));
}

std::string Symbols::caller(const std::vector<uint64_t>& stack) {
  const std::lock_guard lock(mutex_);
  if (const auto known = callers_.find(stack); known != callers_.end()) return known->second;
  for (size_t i = skip_tracing(stack); i < stack.size(); i++) {
    const Symbol* symbol = find(stack[i]);
    if (symbol == nullptr) return fmt::format("{:#x}", stack[i]);
    if (std::ranges::find(kTraced, symbol->name) != kTraced.end()) continue;
    if (callers_.size() < kMostCallers) callers_.emplace(stack, symbol->name);
    return symbol->name;
  }
  return "unknown";
}

std::vector<std::string> Symbols::describe_all(const std::vector<uint64_t>& stack) {
  size_t first = 0;
  {
    const std::lock_guard lock(mutex_);
    first = skip_tracing(stack);
  }
  std::vector<std::string> described;
  for (size_t i = first; i < stack.size(); i++) described.push_back(describe(stack[i]));
  return described;
}

}  // namespace raceless
