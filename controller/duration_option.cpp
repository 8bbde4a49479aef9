// SPDX-License-Identifier: GPL-2.0
#include "duration_option.h"

#include "duration.h"

namespace raceless {

void add_duration(CLI::App& app, const std::string& name, const std::string& what,
                  const std::function<void(uint64_t)>& set, const std::string& shown_default) {
  app.add_option_function<std::string>(
         name,
         [set](const std::string& text) {
           const Result<uint64_t> ns = parse_duration(text);
           if (!ns) throw CLI::ValidationError(ns.error().message());
           set(*ns);
         },
         what)
      ->type_name("TIME")
      ->default_str(shown_default);
}

}  // namespace raceless
