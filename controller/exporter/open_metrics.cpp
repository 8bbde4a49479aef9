// SPDX-License-Identifier: GPL-2.0
// Metrics as text.
#include <fmt/format.h>
#include <prometheus/text_serializer.h>

#include <cmath>

#include "exporter/metrics.h"

namespace raceless {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr const char* kTotal = "_total";

std::string escape(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\')
      escaped += "\\\\";
    else if (c == '"')
      escaped += "\\\"";
    else if (c == '\n')
      escaped += "\\n";
    else
      escaped += c;
  }
  return escaped;
}

// Bounds and counts need every digit; a whole number has no point but as a bound.
std::string number(double value) {
  return std::isinf(value) ? "+Inf" : fmt::format("{:.17g}", value);
}

// The shortest text that is the same number.
std::string bound(double value) { return std::isinf(value) ? "+Inf" : fmt::format("{}", value); }

void add_sample(std::string& text, const std::string& name, const ClientMetric& metric,
                const std::string& value, const std::string& le = "") {
  std::string labels;
  const auto add = [&labels](const std::string& label, const std::string& of) {
    labels += fmt::format("{}{}=\"{}\"", labels.empty() ? "" : ",", label, escape(of));
  };
  for (const ClientMetric::Label& label : metric.label) add(label.name, label.value);
  if (!le.empty()) add("le", le);
  text += labels.empty() ? fmt::format("{} {}\n", name, value)
                         : fmt::format("{}{{{}}} {}\n", name, labels, value);
}

void add_histogram(std::string& text, const std::string& name, const ClientMetric& metric) {
  for (const ClientMetric::Bucket& bucket : metric.histogram.bucket)
    add_sample(text, name + "_bucket", metric, std::to_string(bucket.cumulative_count),
               bound(bucket.upper_bound));
  add_sample(text, name + "_sum", metric, number(metric.histogram.sample_sum));
  add_sample(text, name + "_count", metric, std::to_string(metric.histogram.sample_count));
}

const char* type_name(MetricType type) {
  switch (type) {
    case MetricType::Counter:
      return "counter";
    case MetricType::Gauge:
      return "gauge";
    case MetricType::Histogram:
      return "histogram";
    default:
      return "unknown";
  }
}

}  // namespace

std::string to_open_metrics(const std::vector<MetricFamily>& families) {
  std::string text;
  for (const MetricFamily& family : families) {
    text += fmt::format("# TYPE {} {}\n# HELP {} {}\n", family.name, type_name(family.type),
                        family.name, escape(family.help));
    for (const ClientMetric& metric : family.metric) {
      if (family.type == MetricType::Histogram)
        add_histogram(text, family.name, metric);
      else if (family.type == MetricType::Counter)
        add_sample(text, family.name + kTotal, metric, number(metric.counter.value));
      else
        add_sample(text, family.name, metric, number(metric.gauge.value));
    }
  }
  return text + "# EOF\n";
}

std::string to_prometheus_text(std::vector<MetricFamily> families) {
  for (MetricFamily& family : families)
    if (family.type == MetricType::Counter) family.name += kTotal;
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace raceless
