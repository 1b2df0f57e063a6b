#include "base/metrics/metrics.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/metrics/exposition_server.h"

namespace limbeck::metrics {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(RegistryTest, ExposesWhatWasCounted) {
  Registry registry;
  const Counter counter = registry.AddCounter("limbeck_hits_total", "Hits.", {{"domain", "a"}});
  counter.Add();
  counter.Add(2.5);
  counter.Add(-1);
  const Gauge gauge = registry.AddGauge("limbeck_queue_size", "Waiting.");
  gauge.Set(7);
  gauge.Add(-2);
  const Histogram histogram = registry.AddHistogram("limbeck_seconds", "Time.", {1, 0.1});
  histogram.Observe(0.5);
  const std::string text = registry.Expose();
  EXPECT_THAT(text, HasSubstr("limbeck_hits_total{domain=\"a\"} 3.5\n"));
  EXPECT_THAT(text, HasSubstr("# HELP limbeck_queue_size Waiting.\n"));
  EXPECT_THAT(text, HasSubstr("limbeck_queue_size 5\n"));
  EXPECT_THAT(text, HasSubstr("limbeck_seconds_bucket{le=\"0.1\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("limbeck_seconds_bucket{le=\"1\"} 1\n"));
}

TEST(RegistryTest, SameNameAndLabelsAreOneSeries) {
  Registry registry;
  registry.AddCounter("limbeck_x_total", "X.", {{"a", "1"}}).Add();
  registry.AddCounter("limbeck_x_total", "X.", {{"a", "1"}}).Add();
  EXPECT_EQ(registry.AddCounter("limbeck_x_total", "X.", {{"a", "1"}}).value(), 2);
  EXPECT_EQ(registry.AddCounter("limbeck_x_total", "X.", {{"a", "2"}}).value(), 0);
}

TEST(RegistryTest, BadNamesAndKindsDiscardInsteadOfThrowing) {
  LogOptions quiet;
  quiet.sink = [](std::string_view) {};
  ConfigureLog(quiet);
  Registry registry;
  registry.AddCounter("not a name", "X.").Add();
  registry.AddCounter("limbeck_x", "X.").Add();
  registry.AddGauge("limbeck_x", "X.").Set(9);
  EXPECT_THAT(registry.Expose(), HasSubstr("limbeck_x 1"));
  EXPECT_THAT(registry.Expose(), Not(HasSubstr("not a name")));
  Counter().Add();
  Gauge().Set(1);
  Histogram().Observe(1);
  ConfigureLog({});
}

TEST(RegistryTest, SeriesPerNameAreLimited) {
  int errors = 0;
  LogOptions counting;
  counting.sink = [&errors](std::string_view) { ++errors; };
  ConfigureLog(counting);
  Registry registry(3);
  for (int i = 0; i < 10; ++i) {
    registry.AddCounter("limbeck_x_total", "X.", {{"team", absl::StrCat(i)}}).Add();
  }
  EXPECT_EQ(registry.AddCounter("limbeck_x_total", "X.", {{"team", "2"}}).value(), 1);
  EXPECT_THAT(registry.Expose(), Not(HasSubstr("team=\"3\"")));
  EXPECT_EQ(errors, 1);
  ConfigureLog({});
}

// The whole answer to GET /metrics.
std::string Scrape(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string answer;
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) {
    const std::string request = "GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n";
    EXPECT_EQ(::write(fd, request.data(), request.size()), static_cast<ssize_t>(request.size()));
    char buffer[4096];
    for (ssize_t size; (size = ::read(fd, buffer, sizeof(buffer))) > 0;) {
      answer.append(buffer, static_cast<size_t>(size));
    }
  }
  ::close(fd);
  return answer;
}

TEST(ExpositionServerTest, ServesTheRegistryOnAFreePort) {
  Registry registry;
  registry.AddCounter("limbeck_hits_total", "Hits.").Add(4);
  auto server = ExpositionServer::Start("127.0.0.1:0", &registry);
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_GT((*server)->port(), 0);
  const std::string answer = Scrape((*server)->port());
  EXPECT_THAT(answer, HasSubstr("200 OK"));
  EXPECT_THAT(answer, HasSubstr("limbeck_hits_total 4"));
}

TEST(ExpositionServerTest, TakenPortIsUnavailableAndNamed) {
  Registry registry;
  auto first = ExpositionServer::Start("127.0.0.1:0", &registry);
  ASSERT_TRUE(first.ok());
  const std::string address = absl::StrCat("127.0.0.1:", (*first)->port());
  const absl::Status status = ExpositionServer::Start(address, &registry).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr(address));
}

}  // namespace
}  // namespace limbeck::metrics
