// SPDX-License-Identifier: GPL-2.0
// The exporter's server as a client sees it, and as Debian's Prometheus does (vm/prometheus).
#include "exporter/exporter.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "clock.h"
#include "exporter/metrics.h"
#include "file_descriptor.h"
#include "targets/workload.h"

namespace raceless {
namespace {

using nlohmann::json;

sockaddr_in loopback(uint16_t port) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  in.sin_port = htons(port);
  return in;
}

// One that is free now.
uint16_t free_port() {
  const FileDescriptor probe(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in in = loopback(0);
  socklen_t bytes = sizeof in;
  EXPECT_EQ(bind(probe.get(), reinterpret_cast<sockaddr*>(&in), sizeof in), 0);
  EXPECT_EQ(getsockname(probe.get(), reinterpret_cast<sockaddr*>(&in), &bytes), 0);
  return ntohs(in.sin_port);
}

// The whole answer to a request; "" if nobody listens.
std::string ask(uint16_t port, const std::string& request, const std::string& headers = "") {
  const FileDescriptor client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in in = loopback(port);
  if (connect(client.get(), reinterpret_cast<const sockaddr*>(&in), sizeof in) != 0) return "";
  const std::string text =
      request + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + headers + "\r\n";
  EXPECT_EQ(send(client.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  std::string answer;
  std::array<char, 4096> buffer{};
  for (ssize_t n; (n = recv(client.get(), buffer.data(), buffer.size(), 0)) > 0;)
    answer.append(buffer.data(), static_cast<size_t>(n));
  return answer;
}

Numbers numbers() {
  Numbers all;
  ModuleNumbers& kcm = all.modules["kcm"];
  kcm.loads = {{"ok", 5}, {"EBUSY", 3}};
  kcm.failed_gets[{"going", "sock_create"}] = 6;
  for (int i = 0; i < 100; i++) kcm.load_ns.record(5'000'000);
  all.drops = {{"events", 2}};
  return all;
}

std::unique_ptr<Exporter> start(
    uint16_t port, Exporter::Source source = [] {
      return Result<std::vector<prometheus::MetricFamily>>(make_metrics(numbers(), 0));
    }) {
  auto exporter = Exporter::start({"127.0.0.1", port}, std::move(source));
  EXPECT_TRUE(exporter) << (exporter ? "" : exporter.error().message());
  return exporter ? std::move(*exporter) : nullptr;
}

TEST(Exporter, TheFormatIsTheOneThatIsAskedFor) {
  const uint16_t port = free_port();
  const auto exporter = start(port);
  const std::string plain = ask(port, "GET /metrics");
  EXPECT_TRUE(plain.starts_with("HTTP/1.1 200 OK")) << plain;
  EXPECT_NE(plain.find("Content-Type: application/openmetrics-text; version=1.0.0"),
            std::string::npos);
  EXPECT_TRUE(plain.ends_with("\n# EOF\n"));
  const std::string older = ask(port, "GET /metrics", "Accept: text/plain;version=0.0.4\r\n");
  EXPECT_NE(older.find("Content-Type: text/plain; version=0.0.4"), std::string::npos) << older;
  EXPECT_EQ(older.find("# EOF"), std::string::npos);
  EXPECT_NE(older.find(R"(raceless_module_loads_total{module="kcm",result="EBUSY"} 3)"),
            std::string::npos);
}

TEST(Exporter, NothingElseIsServed) {
  const uint16_t port = free_port();
  const auto exporter = start(port);
  for (const char* path : {"/", "/metrics/x", "/etc/passwd", "/../../etc/passwd"})
    EXPECT_TRUE(ask(port, fmt::format("GET {}", path)).starts_with("HTTP/1.1 404")) << path;
  EXPECT_TRUE(ask(port, "POST /metrics").starts_with("HTTP/1.1 405"));
  const std::string head = ask(port, "HEAD /metrics");
  EXPECT_TRUE(head.starts_with("HTTP/1.1 200")) << head;
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
}

TEST(Exporter, ASourceThatFailsIsAnErrorOfTheServer) {
  const uint16_t port = free_port();
  const auto exporter = start(port, []() -> Result<std::vector<prometheus::MetricFamily>> {
    return fail(EPERM, "cannot read the BPF map drops");
  });
  const std::string answer = ask(port, "GET /metrics");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 500")) << answer;
  EXPECT_NE(answer.find("cannot read the BPF map drops"), std::string::npos);
}

TEST(Exporter, ATakenPortIsSaidAndAFreedOneCanBeHad) {
  const uint16_t port = free_port();
  auto first = start(port);
  const auto second = Exporter::start({"127.0.0.1", port}, nullptr);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, EADDRINUSE);
  first.reset();
  EXPECT_EQ(ask(port, "GET /metrics"), "");
  EXPECT_NE(start(port), nullptr);
}

TEST(Exporter, ItEndsOnlyWhenNoScrapeIsUnderWay) {
  const uint16_t port = free_port();
  std::atomic<bool> under_way = false;
  std::atomic<bool> done = false;
  auto exporter = start(port, [&]() -> Result<std::vector<prometheus::MetricFamily>> {
    under_way = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    done = true;
    return make_metrics(numbers(), 0);
  });
  std::thread client([port] { (void)ask(port, "GET /metrics"); });
  while (!under_way) std::this_thread::yield();
  exporter.reset();
  EXPECT_TRUE(done);
  client.join();
}

// A folder of its own, and a Prometheus that scrapes a port once a second.
class PrometheusServer {
 public:
  explicit PrometheusServer(uint16_t scraped) : port_(free_port()) {
    std::filesystem::create_directories(folder_);
    std::ofstream(folder_ + "/prometheus.yml")
        << "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
        << "scrape_configs: [{job_name: raceless, static_configs: [{targets: ['127.0.0.1:"
        << scraped << "']}]}]\n";
    // Its download is not part of what a query waits for.
    auto fetched = Workload::start(RACELESS_SOURCE_DIR "/vm/prometheus");
    EXPECT_TRUE(fetched && fetched->wait(600 * kNsPerSecond));
    auto started = Workload::start(fmt::format(
        "program=$('{0}/vm/prometheus') && exec \"$program\" --config.file='{1}/prometheus.yml' "
        "--storage.tsdb.path='{1}/data' --web.listen-address=127.0.0.1:{2} --log.level=warn",
        RACELESS_SOURCE_DIR, folder_, port_));
    EXPECT_TRUE(started);
    if (started) process_.emplace(std::move(*started));
  }
  ~PrometheusServer() {
    if (process_) process_->kill_group();
    process_.reset();
    std::filesystem::remove_all(folder_);
  }
  PrometheusServer(const PrometheusServer&) = delete;
  PrometheusServer& operator=(const PrometheusServer&) = delete;

  // The first value of a query, once there is one that is not `but`; "" if there never is.
  std::string query(const std::string& expression, const std::string& but = "") {
    const uint64_t end_ns = now_ns() + 120 * kNsPerSecond;
    while (now_ns() < end_ns && !process_->wait(0)) {
      const std::string answer = ask(port_, "GET /api/v1/query?query=" + expression);
      const size_t body = answer.find('{');
      const json parsed =
          json::parse(body == std::string::npos ? "" : answer.substr(body), nullptr, false, false);
      if (parsed.is_object() && !parsed.at("data").at("result").empty()) {
        std::string value = parsed.at("data").at("result").at(0).at("value").at(1);
        if (value != but) return value;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
    if (process_->wait(0)) ADD_FAILURE() << "Prometheus: " << process_->end().describe();
    return "";
  }

 private:
  std::string folder_ = testing::TempDir() + fmt::format("prometheus-{}", getpid());
  uint16_t port_;
  std::optional<Workload> process_;
};

TEST(Exporter, PrometheusReadsTheNumbersThatWereServed) {
  const uint16_t port = free_port();
  const auto exporter = start(port);
  PrometheusServer server(port);
  EXPECT_EQ(server.query("up", "0"), "1") << "a scrape may have come too late";
  EXPECT_EQ(server.query("raceless_module_loads_total%7Bresult=%22EBUSY%22%7D"), "3");
  EXPECT_EQ(server.query("raceless_module_get_failures_total%7Bcaller=%22sock_create%22%7D"), "6");
  EXPECT_EQ(server.query("raceless_module_load_seconds_count%7Bmodule=%22kcm%22%7D"), "100");
  EXPECT_EQ(server.query("raceless_trace_dropped_total"), "2");
  // All of them in the bucket from 4.194303 ms to 8.388607 ms.
  const std::string quantile = server.query(
      "histogram_quantile(0.5,raceless_module_load_seconds_bucket%7Bmodule=%22kcm%22%7D)");
  ASSERT_NE(quantile, "");
  const double median = std::stod(quantile);
  EXPECT_GT(median, 0.004194303);
  EXPECT_LE(median, 0.008388607);
}

}  // namespace
}  // namespace raceless
