// SPDX-License-Identifier: GPL-2.0
// raceless load
#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "clock.h"
#include "command.h"
#include "duration.h"
#include "replacement.h"
#include "state_file.h"

namespace raceless {

namespace {

struct LoadOptions {
  std::string module;
  Replacement replacement;
  bool through = false;
  bool side_by_side = false;
  bool json = false;
};

void print_error(const Error& error) { fmt::print(stderr, "raceless: {}\n", error.message()); }

Outcome refuse(const Error& error, Outcome outcome) {
  print_error(error);
  return outcome;
}

bool is_path(const std::string& module) {
  return module.find('/') != std::string::npos || module.find(".ko") != std::string::npos;
}

// A module's name or alias, a file, or the name of a provider.
Result<KernelModule> find_module(ModuleLoader& loader, const std::string& module) {
  if (is_path(module)) return loader.open(module);
  Result<KernelModule> found = loader.find(module);
  if (found || found.error().code != ENOENT) return found;
  Result<KernelModule> provider = loader.find("raceless-" + module);
  return provider ? std::move(provider) : std::move(found);
}

std::string running_release() {
  utsname name{};
  return uname(&name) == 0 ? name.release : "";
}

// What the kernel would say only after the old module has gone.
Status check_file(const KernelModule& next) {
  const auto info = next.info();
  if (!info) return tl::unexpected(info.error());
  const auto found = info->find("vermagic");
  const std::string vermagic = found == info->end() ? "" : found->second;
  const std::string release = vermagic.substr(0, vermagic.find(' '));
  if (release == running_release()) return {};
  return fail(0,
              fmt::format("{} is built for the kernel {}, and this is {}; build it against "
                          "this kernel's headers",
                          next.path(), release.empty() ? "(unknown)" : release, running_release()));
}

bool has_replace_parameter(const KernelModule& next) {
  const auto parameters = next.info_values("parm");
  return parameters && std::ranges::any_of(*parameters, [](const std::string& parameter) {
           return parameter.starts_with("replace:");
         });
}

// The names that its aliases say it provides.
std::vector<std::string> aliases_of(const KernelModule& next) {
  const std::string prefix = "raceless-";
  std::vector<std::string> names;
  const auto aliases = next.info_values("alias");
  if (!aliases) return names;
  for (const std::string& alias : *aliases)
    if (alias.starts_with(prefix)) names.push_back(alias.substr(prefix.size()));
  return names;
}

bool has_alias(const KernelModule& next, const std::string& provider) {
  return std::ranges::count(aliases_of(next), provider) != 0;
}

// Why these two cannot be loaded at once, or "".
std::string obstacle(const KernelModule& next, const std::string& old,
                     const std::string& provider) {
  if (next.name() == old)
    return fmt::format("the new module is called {} too, and the kernel has one of a name", old);
  if (!has_replace_parameter(next))
    return next.name() + " has no parameter 'replace' (RACELESS_PARAM_REPLACE() in raceless.h)";
  if (has_alias(next, provider))
    return fmt::format(
        "{} carries the alias raceless-{}: of two such modules an autoload may bring back either; "
        "build it without until it is installed in the old one's place",
        next.name(), provider);
  return "";
}

Result<ReplaceWay> choose_way(const LoadOptions& options, const std::string& why_not) {
  if (options.through) return ReplaceWay::through;
  if (why_not.empty()) return ReplaceWay::side_by_side;
  if (!options.side_by_side) return ReplaceWay::through;
  return fail(0, "cannot load it side by side: " + why_not + "; or use --through");
}

nlohmann::json steps_json(const LoadOptions& options, ReplaceWay way, const KernelModule& next,
                          const ReplaceSteps& steps, const Status& status) {
  nlohmann::json out = {{"schema", 1},
                        {"provider", options.replacement.provider},
                        {"way", way == ReplaceWay::through ? "through" : "side-by-side"},
                        {"old", steps.old_module},
                        {"new", next.name()},
                        {"load_ns", steps.load_ns},
                        {"publish", steps.publish},
                        {"error", status ? "" : status.error().message()}};
  if (way == ReplaceWay::through)
    out["unload_ns"] = steps.unload_ns;
  else
    out["retire_ns"] = steps.retire_ns;
  return out;
}

std::string steps_text(const LoadOptions& options, ReplaceWay way, const KernelModule& next,
                       const ReplaceSteps& steps) {
  const std::string head = fmt::format("{}: {} -> {}, {}: ", options.replacement.provider,
                                       steps.old_module, next.name(), way_name(way));
  if (way == ReplaceWay::through)
    return head + fmt::format("gets waited for the unload ({}) and the load ({})\n",
                              format_duration(steps.unload_ns), format_duration(steps.load_ns));
  return head + fmt::format("nobody waits; loaded in {}, the old one gone {} later\n",
                            format_duration(steps.load_ns), format_duration(steps.retire_ns));
}

// modprobe goes by what is installed, whatever is loaded.
void warn_of_alias(ModuleLoader& loader, const std::string& provider, const KernelModule& next) {
  const Result<KernelModule> found = loader.find("raceless-" + provider);
  if (!found || found->name() == next.name()) return;
  fmt::print(stderr,
             "raceless: note: modprobe finds {} for raceless-{}: install {} in its place, or the "
             "next autoload brings it back\n",
             found->name(), provider, next.name());
}

Outcome replace(const LoadOptions& options, ModuleLoader& loader, KernelModule& next) {
  const std::string& provider = options.replacement.provider;
  if (Status valid = check_provider_name(provider); !valid)
    return refuse(valid.error(), Outcome::usage);
  const Result<Provided> old = provided(provider);
  if (!old)
    return refuse({old.error().code, old.error().context + "; to load a module without replacing "
                                                           "one, leave --replace out"},
                  Outcome::cannot_run);
  const std::vector<std::string> names = aliases_of(next);
  if (!names.empty() && !has_alias(next, provider))
    return refuse({0, fmt::format("{} provides {}, by its aliases, and not {}", next.name(),
                                  fmt::join(names, ", "), provider)},
                  Outcome::usage);
  const std::string why_not = obstacle(next, old->module, provider);
  const Result<ReplaceWay> way = choose_way(options, why_not);
  if (!way) return refuse(way.error(), Outcome::usage);
  if (next.name() != old->module && module_state(next.name()) != ModuleState::absent)
    return refuse({EEXIST, next.name() + " is loaded already"}, Outcome::usage);
  if (*way == ReplaceWay::through && !options.through)
    fmt::print(stderr, "raceless: note: through unload and load: {}\n", why_not);
  Result<Device> device = Device::open();
  if (!device) return refuse(device.error(), Outcome::cannot_run);
  ReplaceSteps steps;
  const Status status = *way == ReplaceWay::through
                            ? replace_through(*device, next, options.replacement, steps)
                            : replace_side_by_side(next, options.replacement, steps);
  if (options.json)
    fmt::print("{}\n", steps_json(options, *way, next, steps, status).dump(1, '\t'));
  if (!status) return refuse(status.error(), Outcome::failed);
  if (!options.json) fmt::print("{}", steps_text(options, *way, next, steps));
  warn_of_alias(loader, provider, next);
  return Outcome::passed;
}

// The names that the module provides, for whoever has just loaded it.
std::vector<std::string> provided_by(const std::string& module) {
  std::vector<std::string> names;
  const Result<StateFile> state = StateFile::read();
  if (!state) return names;
  for (const SlotState& slot : state->slots())
    if (slot.text("owner") == module && slot.text("state") == "live")
      names.push_back(slot.text("name"));
  return names;
}

Outcome load(const LoadOptions& options, KernelModule& next) {
  if (module_state(next.name()) != ModuleState::absent)
    return refuse({EEXIST, next.name() + " is loaded already; --replace NAME puts another module "
                                         "in its place"},
                  Outcome::usage);
  const uint64_t start_ns = now_ns();
  if (const Status loaded = next.load_with_dependencies(options.replacement.options); !loaded)
    return refuse(loaded.error(), Outcome::failed);
  const uint64_t load_ns = now_ns() - start_ns;
  const std::vector<std::string> names = provided_by(next.name());
  if (options.json)
    fmt::print("{}\n",
               nlohmann::json(
                   {{"schema", 1}, {"new", next.name()}, {"provides", names}, {"load_ns", load_ns}})
                   .dump(1, '\t'));
  else
    fmt::print("{}: loaded in {}, provides {}\n", next.name(), format_duration(load_ns),
               names.empty() ? "nothing" : fmt::format("{}", fmt::join(names, ", ")));
  return Outcome::passed;
}

Outcome run(const LoadOptions& options) {
  if (options.replacement.provider.empty() && (options.through || options.side_by_side))
    return refuse({0, "--through and --side-by-side need --replace NAME"}, Outcome::usage);
  if (geteuid() != 0)
    return refuse({EPERM, "loading a module needs root (CAP_SYS_MODULE)"}, Outcome::cannot_run);
  Result<ModuleLoader> loader = ModuleLoader::create();
  if (!loader) return refuse(loader.error(), Outcome::cannot_run);
  Result<KernelModule> next = find_module(*loader, options.module);
  if (!next) return refuse(next.error(), Outcome::cannot_run);
  if (const Status good = check_file(*next); !good)
    return refuse(good.error(), Outcome::cannot_run);
  if (options.replacement.provider.empty()) return load(options, *next);
  return replace(options, *loader, *next);
}

}  // namespace

RunCommand add_load(CLI::App& app) {
  auto options = std::make_shared<LoadOptions>();
  options->replacement.timeout_ns = 30 * kNsPerSecond;
  app.add_option("MODULE", options->module,
                 "a module's file, or the name of one that is installed, or of a provider")
      ->required();
  app.add_option("--replace", options->replacement.provider,
                 "take the place of the module that provides this name")
      ->type_name("NAME");
  auto* through =
      app.add_flag("--through", options->through, "unload the old one first; gets wait meanwhile");
  app.add_flag("--side-by-side", options->side_by_side,
               "load beside the old one; no get waits. The default, where the module allows it")
      ->excludes(through);
  app.add_option("--options", options->replacement.options,
                 "parameters of the module, as in 'a=1 b=2'");
  app.add_option_function<std::string>(
         "--timeout",
         [options](const std::string& text) {
           const Result<uint64_t> ns = parse_duration(text);
           if (!ns) throw CLI::ValidationError(ns.error().message());
           options->replacement.timeout_ns = *ns;
         },
         "how long to wait for those who use the old one")
      ->type_name("TIME")
      ->default_str("30s");
  app.add_flag("--json", options->json, "for programs");
  app.footer(
      "If the new module's init fails, side by side nothing has changed; through unload and load\n"
      "the name is lost, and whoever waits for it gets that error at once. See "
      "docs/replacement.md.");
  return [options] { return run(*options); };
}

}  // namespace raceless
