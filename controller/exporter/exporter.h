// SPDX-License-Identifier: GPL-2.0
// Serves metrics over HTTP: GET /metrics.
#ifndef RACELESS_CONTROLLER_EXPORTER_EXPORTER_H
#define RACELESS_CONTROLLER_EXPORTER_EXPORTER_H

#include <prometheus/metric_family.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "exporter/listen_address.h"
#include "result.h"

struct mg_context;
struct mg_connection;

namespace raceless {

class Exporter {
 public:
  using Source = std::function<Result<std::vector<prometheus::MetricFamily>>()>;

  // `source` is asked at each scrape, from the server's threads, several at once.
  [[nodiscard]] static Result<std::unique_ptr<Exporter>> start(const ListenAddress& address,
                                                               Source source);
  // Returns when no scrape is under way any more.
  ~Exporter();
  Exporter(const Exporter&) = delete;
  Exporter& operator=(const Exporter&) = delete;

 private:
  explicit Exporter(Source source) : source_(std::move(source)) {}
  static int on_request(mg_connection* connection);

  struct Stop {
    void operator()(mg_context* server) const;
  };

  Source source_;
  std::unique_ptr<mg_context, Stop> server_;  // stopped before what its threads use goes
};

}  // namespace raceless

#endif
