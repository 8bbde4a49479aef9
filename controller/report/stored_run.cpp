// SPDX-License-Identifier: GPL-2.0
#include "report/stored_run.h"

#include <fmt/format.h>

#include "report/schema.h"
#include "storm/report.h"
#include "text_file.h"

namespace raceless {

namespace {

using nlohmann::json;

// The rows of a long run would be gigabytes as JSON values: each goes into its columns when it has
// been read, and only the first one stays.
class SeriesReader {
 public:
  explicit SeriesReader(Series& series) : series_(series) {}

  bool operator()(int depth, json::parse_event_t event, json& value) {
    if (event == json::parse_event_t::key && depth == 1) in_series_ = value == "series";
    if (!in_series_ || depth != 2 || event != json::parse_event_t::object_end) return true;
    if (Status added = series_.add(value); !added && status_) status_ = added;
    return series_.rows() <= 1;
  }

  [[nodiscard]] const Status& status() const { return status_; }

 private:
  Series& series_;
  bool in_series_ = false;
  Status status_;
};

Status check(const json& run) {
  if (!run.is_object() || !run.contains("schema"))
    return fail(0, "it is no run.json of raceless storm");
  if (run["schema"] != kRunSchema)
    return fail(0,
                fmt::format("it has schema {}, and this raceless reads {}; use the raceless that "
                            "wrote it, or make the run again",
                            run["schema"].dump(), kRunSchema));
  static const Schema schema = Schema::of_run();
  const std::vector<std::string> errors = schema.errors(run);
  if (errors.empty()) return {};
  return fail(
      0, fmt::format("it does not fit docs/run-schema.json: {}{}", errors.front(),
                     errors.size() == 1 ? "" : fmt::format(", and {} more", errors.size() - 1)));
}

tl::unexpected<Error> cannot_report(const std::string& path, const std::string& why) {
  return fail(0, "cannot report on " + path + ": " + why);
}

}  // namespace

Result<StoredRun> read_stored_run(const std::string& path) {
  const Result<std::string> text = read_text(path);
  if (!text) return tl::unexpected(text.error());
  StoredRun stored;
  stored.path = path;
  SeriesReader reader(stored.series);
  try {
    stored.run = json::parse(*text, std::ref(reader));
  } catch (const json::parse_error& error) {
    const bool is_short = error.byte >= text->size();
    return cannot_report(
        path, is_short ? fmt::format("it ends after {} bytes, in the middle; the run did not end, "
                                     "or the file was not copied whole",
                                     text->size())
                       : fmt::format("it is not JSON, from byte {} on", error.byte));
  }
  if (const Status checked = check(stored.run); !checked)
    return cannot_report(path, checked.error().message());
  if (!reader.status()) return cannot_report(path, reader.status().error().message());
  return stored;
}

}  // namespace raceless
