// SPDX-License-Identifier: GPL-2.0
// raceless report
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "command.h"
#include "report/changes.h"
#include "report/embedded.h"
#include "report/inputs.h"
#include "report/origin.h"
#include "report/page.h"
#include "storm/context.h"
#include "text_file.h"

namespace raceless {

namespace {

struct ReportOptions {
  std::vector<std::string> names;
  std::string output;
  std::string base;
};

Outcome cannot_run(const Error& error) {
  fmt::print(stderr, "raceless: {}\n", error.message());
  return Outcome::cannot_run;
}

Outcome show_changes(const ReportOptions& options) {
  const Result<Inputs> base = read_inputs({options.base});
  if (!base) return cannot_run(base.error());
  const Result<Inputs> now = read_inputs(options.names);
  if (!now) return cannot_run(now.error());
  const Result<std::string> text = changes_text(*base, *now);
  if (!text) return cannot_run(text.error());
  fmt::print("{}", *text);
  return Outcome::passed;
}

Outcome write_page(const ReportOptions& options) {
  const Result<Inputs> inputs = read_inputs(options.names);
  if (!inputs) return cannot_run(inputs.error());
  std::vector<std::string> words = {"raceless", "report"};
  words.insert(words.end(), options.names.begin(), options.names.end());
  words.insert(words.end(), {"-o", options.output});
  const Making making = {shell_words(words), current_context().started};
  const Result<std::string> page = page_text(embedded_page(), page_data(*inputs, making));
  if (!page) return cannot_run(page.error());
  if (const Status written = write_text(options.output, *page); !written)
    return cannot_run(written.error());
  fmt::print("{}: {} runs, {} files of ratios, {} of benchmarks, {:.1f} MB\n", options.output,
             inputs->runs.size(), inputs->ratios.size(), inputs->benchmarks.size(),
             static_cast<double>(page->size()) / 1e6);
  return Outcome::passed;
}

}  // namespace

RunCommand add_report(CLI::App& app) {
  auto options = std::make_shared<ReportOptions>();
  app.add_option("RUN", options->names,
                 "folders of runs and benchmarks, with all that is below them; or files")
      ->required();
  auto* output = app.add_option("-o,--output", options->output,
                                "the page: one HTML file that needs no network");
  app.add_option("--against", options->base,
                 "print what changed since this run, or these benchmarks, instead of making a page")
      ->excludes(output);
  app.footer("One of --output and --against has to be given.");
  return [options] {
    if (!options->base.empty()) return show_changes(*options);
    if (!options->output.empty()) return write_page(*options);
    fmt::print(
        stderr,
        "raceless: what to make of it? -o PAGE.html makes a page, --against BASE prints what "
        "changed; see raceless report --help\n");
    return Outcome::usage;
  };
}

}  // namespace raceless
