// SPDX-License-Identifier: GPL-2.0
#include "exporter/exporter.h"

#include <civetweb.h>

#include <array>
#include <string_view>
#include <utility>

#include "exporter/metrics.h"

namespace raceless {

namespace {

constexpr const char* kOpenMetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
constexpr const char* kPrometheusText = "text/plain; version=0.0.4; charset=utf-8";
constexpr const char* kPlainText = "text/plain; charset=utf-8";

// A scraper that says nothing, curl or wget, gets what people read as well: OpenMetrics.
bool wants_open_metrics(const mg_connection* connection) {
  const char* accept = mg_get_header(connection, "Accept");
  if (accept == nullptr) return true;
  const std::string_view types = accept;
  return types.find("application/openmetrics-text") != std::string_view::npos ||
         types.find("text/plain") == std::string_view::npos;
}

int answer(mg_connection* connection, int status, const char* type, const std::string& body) {
  mg_printf(
      connection,
      "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
      status, mg_get_response_code_text(connection, status), type, body.size());
  const std::string_view method = mg_get_request_info(connection)->request_method;
  if (method != "HEAD") mg_write(connection, body.data(), body.size());
  return status;
}

bool is_read(const mg_connection* connection) {
  const std::string_view method = mg_get_request_info(connection)->request_method;
  return method == "GET" || method == "HEAD";
}

}  // namespace

void Exporter::Stop::operator()(mg_context* server) const {
  mg_stop(server);
  mg_exit_library();
}

Exporter::~Exporter() = default;

int Exporter::on_request(mg_connection* connection) {
  if (std::string_view(mg_get_request_info(connection)->local_uri) != "/metrics")
    return answer(connection, 404, kPlainText, "the metrics are at /metrics\n");
  if (!is_read(connection)) return answer(connection, 405, kPlainText, "only GET\n");
  const auto* exporter = static_cast<const Exporter*>(mg_get_user_data(mg_get_context(connection)));
  const auto families = exporter->source_();
  if (!families) return answer(connection, 500, kPlainText, families.error().message() + "\n");
  return wants_open_metrics(connection)
             ? answer(connection, 200, kOpenMetrics, to_open_metrics(*families))
             : answer(connection, 200, kPrometheusText, to_prometheus_text(*families));
}

Result<std::unique_ptr<Exporter>> Exporter::start(const ListenAddress& address, Source source) {
  // The server would only say that it cannot.
  if (Status free = check_listen_address(address); !free) return tl::unexpected(free.error());
  std::unique_ptr<Exporter> exporter(new Exporter(std::move(source)));
  const std::string port = address.text();
  // A scraper that stops talking is let go after so long.
  std::array<const char*, 9> options = {
      "listening_ports", port.c_str(),  "num_threads", "2",    "request_timeout_ms",
      "10000",           "tcp_nodelay", "1",           nullptr};
  mg_init_library(0);
  mg_callbacks callbacks{};
  callbacks.begin_request = on_request;
  exporter->server_.reset(mg_start(&callbacks, exporter.get(), options.data()));
  if (!exporter->server_) {
    mg_exit_library();
    return fail(0, "cannot listen on " + port + "; is it taken since a moment ago?");
  }
  return exporter;
}

}  // namespace raceless
