// SPDX-License-Identifier: GPL-2.0
// The tracing's numbers as metrics. docs/trace.md lists them.
#ifndef RACELESS_CONTROLLER_EXPORTER_METRICS_H
#define RACELESS_CONTROLLER_EXPORTER_METRICS_H

#include <prometheus/metric_family.h>

#include <string>
#include <vector>

#include "trace/numbers.h"

namespace raceless {

// Names without the "_total" of counters, which the serializers add where their format has it.
[[nodiscard]] std::vector<prometheus::MetricFamily> make_metrics(const Numbers& numbers,
                                                                 size_t nr_missing);

// OpenMetrics 1.0, which the library does not write.
[[nodiscard]] std::string to_open_metrics(const std::vector<prometheus::MetricFamily>& families);
// Prometheus' older text format, by the library.
[[nodiscard]] std::string to_prometheus_text(std::vector<prometheus::MetricFamily> families);

}  // namespace raceless

#endif
