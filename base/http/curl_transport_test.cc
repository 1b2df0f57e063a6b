#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <atomic>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "base/http/target.h"
#include "base/http/transport.h"
#include "tests/support/loopback_server.h"

namespace limbeck::http {
namespace {

using testing::Ending;
using testing::HttpReply;
using testing::HttpRequest;
using testing::LoopbackServer;

HttpReply Reply(std::string body, Ending ending = Ending::kWhole) {
  HttpReply reply;
  reply.body = std::move(body);
  reply.ending = ending;
  return reply;
}

class CurlTransportTest : public ::testing::Test {
 protected:
  void StartServer(LoopbackServer::Handler handler) {
    server_ = LoopbackServer::Start(0, std::move(handler)).value();
  }

  Request To(const std::string& path, std::string body = "{}") {
    Request request;
    request.url = absl::StrCat(server_->url(), path);
    request.body = std::move(body);
    return request;
  }

  Outcome Send(Request request) {
    if (transport_ == nullptr) transport_ = NewCurlTransport(options_).value();
    Outcome result;
    absl::Notification done;
    transport_->Start(std::move(request), [&](Outcome outcome) {
      result = std::move(outcome);
      done.Notify();
    });
    done.WaitForNotification();
    return result;
  }

  CurlTransportOptions options_;
  std::unique_ptr<LoopbackServer> server_;
  std::unique_ptr<Transport> transport_;
};

TEST_F(CurlTransportTest, SendsMethodHeadersAndBodyAndReadsTheAnswer) {
  HttpRequest seen;
  StartServer([&](const HttpRequest& request) {
    seen = request;
    HttpReply reply = Reply("answer");
    reply.status = 429;
    reply.headers = {{"Retry-After", "7"}};
    return reply;
  });
  Request request = To("/v1/x?y=1", std::string("a\0b", 3));
  request.headers = {{"Authorization", "Bearer k"}, {"X-Empty", ""}};
  const Outcome outcome = Send(request);
  ASSERT_EQ(outcome.delivery, Delivery::kAnswered) << outcome.status;
  EXPECT_EQ(outcome.response.status_code, 429);
  EXPECT_EQ(outcome.response.body, "answer");
  EXPECT_EQ(outcome.response.header("RETRY-AFTER"), "7");
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.target, "/v1/x?y=1");
  EXPECT_EQ(seen.body, std::string("a\0b", 3));
  EXPECT_EQ(seen.header("authorization"), "Bearer k");
  EXPECT_EQ(seen.header("content-type"), "");
  EXPECT_EQ(seen.header("expect"), "");
}

TEST_F(CurlTransportTest, AReusedHandleForgetsTheRequestBefore) {
  std::vector<HttpRequest> seen;
  StartServer([&](const HttpRequest& request) {
    seen.push_back(request);
    return Reply("ok");
  });
  Request put = To("/put", "data");
  put.method = "PUT";
  put.headers = {{"X-One", "1"}};
  ASSERT_TRUE(Send(put).status.ok());
  Request get = To("/get", "");
  get.method = "GET";
  ASSERT_TRUE(Send(get).status.ok());
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].method, "PUT");
  EXPECT_EQ(seen[0].body, "data");
  EXPECT_EQ(seen[1].method, "GET");
  EXPECT_EQ(seen[1].body, "");
  EXPECT_EQ(seen[1].header("x-one"), "");
  EXPECT_EQ(server_->connections(), 1u);
}

TEST_F(CurlTransportTest, RefusedConnectionWasNotSent) {
  StartServer([](const HttpRequest&) { return Reply(""); });
  Request request = To("/");
  server_.reset();
  const Outcome outcome = Send(request);
  EXPECT_EQ(outcome.delivery, Delivery::kNotSent);
  EXPECT_EQ(outcome.status.code(), absl::StatusCode::kUnavailable);
}

TEST_F(CurlTransportTest, BadRequestsAreRefusedBeforeSending) {
  StartServer([](const HttpRequest&) { return Reply(""); });
  Request injected = To("/");
  injected.headers = {{"X-Key", "secret\r\nX-Evil: 1"}};
  Outcome outcome = Send(injected);
  EXPECT_EQ(outcome.status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(absl::StrContains(outcome.status.message(), "secret"));
  for (const char* url : {"file:///etc/passwd", "gopher://x/", "http://u:p@h/", "", "http://"}) {
    Request request;
    request.url = url;
    outcome = Send(request);
    EXPECT_EQ(outcome.status.code(), absl::StatusCode::kInvalidArgument) << url;
    EXPECT_EQ(outcome.delivery, Delivery::kNotSent);
  }
  EXPECT_EQ(server_->requests(), 0u);
}

// Clouds keep the machine's credentials there.
TEST_F(CurlTransportTest, LinkLocalAddressesAreNotConnectedToInAnySpelling) {
  for (const char* url :
       {"http://169.254.169.254/", "http://2852039166/", "http://0xa9fea9fe/",
        "http://0251.0376.0251.0376/", "http://169.254.43518/", "http://[::ffff:169.254.169.254]/",
        "http://[::ffff:a9fe:a9fe]/", "http://[fd00:ec2::254]/"}) {
    Request request;
    request.url = url;
    request.connect_timeout = absl::Seconds(60);
    const Outcome outcome = Send(request);
    EXPECT_EQ(outcome.delivery, Delivery::kNotSent) << url;
    // Refused at once, not by a network that happens not to be there.
    EXPECT_EQ(outcome.status.code(), absl::StatusCode::kUnavailable) << url;
    EXPECT_LT(outcome.response.elapsed, absl::Seconds(30)) << url;
  }
}

TEST(TargetTest, TellsAddressesOfMetadataFromMachinesOfOnesOwn) {
  const auto forbidden = [](const char* text) {
    sockaddr_in ipv4{};
    ipv4.sin_family = AF_INET;
    sockaddr_in6 ipv6{};
    ipv6.sin6_family = AF_INET6;
    if (inet_pton(AF_INET, text, &ipv4.sin_addr) == 1) {
      return IsForbiddenTarget(reinterpret_cast<const sockaddr&>(ipv4));
    }
    EXPECT_EQ(inet_pton(AF_INET6, text, &ipv6.sin6_addr), 1) << text;
    return IsForbiddenTarget(reinterpret_cast<const sockaddr&>(ipv6));
  };
  for (const char* text : {"169.254.169.254", "169.254.0.1", "::ffff:169.254.169.254", "fe80::1",
                           "febf::1", "fd00:ec2::254"}) {
    EXPECT_TRUE(forbidden(text)) << text;
  }
  for (const char* text : {"127.0.0.1", "10.0.0.1", "192.168.1.1", "169.253.0.1", "8.8.8.8", "::1",
                           "::ffff:10.0.0.1", "fd00::1", "2001:db8::1"}) {
    EXPECT_FALSE(forbidden(text)) << text;
  }
}

TEST_F(CurlTransportTest, LostAnswersAreUnknown) {
  StartServer([](const HttpRequest& request) {
    const std::string body(10'000, 'x');
    if (request.target == "/before") return Reply(body, Ending::kResetBefore);
    if (request.target == "/mid") return Reply(body, Ending::kResetMid);
    return Reply(body, Ending::kCloseMid);
  });
  for (const char* path : {"/before", "/mid", "/cut"}) {
    const Outcome outcome = Send(To(path));
    EXPECT_EQ(outcome.delivery, Delivery::kUnknown) << path;
    EXPECT_EQ(outcome.status.code(), absl::StatusCode::kUnavailable) << path;
  }
  EXPECT_EQ(server_->requests(), 3u);
}

TEST_F(CurlTransportTest, DoesNotResendAPostWhenAReusedConnectionDies) {
  StartServer([](const HttpRequest& request) {
    return Reply("ok", request.target == "/die" ? Ending::kResetBefore : Ending::kWhole);
  });
  ASSERT_TRUE(Send(To("/live")).status.ok());
  const Outcome outcome = Send(To("/die"));
  EXPECT_EQ(outcome.delivery, Delivery::kUnknown);
  EXPECT_EQ(outcome.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(server_->requests(), 2u);
}

TEST_F(CurlTransportTest, TooLargeAnswersFailByName) {
  StartServer([](const HttpRequest&) { return Reply(std::string(100'000, 'x')); });
  Request request = To("/");
  request.max_response_bytes = 50'000;
  const Outcome outcome = Send(request);
  EXPECT_EQ(outcome.status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(outcome.delivery, Delivery::kUnknown);
}

TEST_F(CurlTransportTest, ASmallCompressedBodyIsCountedAsDecompressed) {
  // 1 MiB of zeros, deflated with zlib at level 9: 1039 bytes.
  static const std::string* const compressed = new std::string(
      std::string("\x78\xda\xed\xc1\x31\x01\x00\x00\x00\xc2\xa0\xf5\x4f\x6d\x08\x5f\xa0", 17) +
      std::string(1016, '\0') + std::string("\x3e\x03\x00\xf0\x00\x01", 6));
  StartServer([](const HttpRequest&) {
    HttpReply reply = Reply(*compressed);
    reply.headers = {{"Content-Encoding", "deflate"}};
    return reply;
  });
  Request request = To("/");
  request.max_response_bytes = 100'000;
  const Outcome outcome = Send(request);
  EXPECT_EQ(outcome.status.code(), absl::StatusCode::kResourceExhausted) << outcome.status;
}

TEST_F(CurlTransportTest, SilenceEndsWithTheIdleTimeout) {
  StartServer([](const HttpRequest&) { return Reply("", Ending::kHang); });
  Request request = To("/");
  request.idle_timeout = absl::Milliseconds(120);
  const Outcome outcome = Send(request);
  EXPECT_EQ(outcome.status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(outcome.delivery, Delivery::kUnknown);
}

TEST_F(CurlTransportTest, TheFirstByteHasATimeOfItsOwn) {
  StartServer([](const HttpRequest&) { return Reply("", Ending::kHang); });
  Request request = To("/");
  request.first_byte_timeout = absl::Milliseconds(120);
  EXPECT_EQ(Send(request).status.code(), absl::StatusCode::kDeadlineExceeded);
  request.first_byte_timeout = absl::Minutes(1);
  request.idle_timeout = absl::Milliseconds(50);
  request.total_timeout = absl::Milliseconds(300);
  const std::string ended(Send(request).status.message());
  EXPECT_EQ(ended.find("no byte"), ended.npos) << ended;
}

TEST_F(CurlTransportTest, ATransferThatIsNotWantedAnyMoreEndsAtOnce) {
  absl::Notification sent;
  StartServer([&](const HttpRequest&) {
    sent.Notify();
    return Reply("", Ending::kHang);
  });
  transport_ = NewCurlTransport(options_).value();
  const auto cancelled = std::make_shared<std::atomic<bool>>(false);
  Request request = To("/");
  request.cancelled = cancelled;
  absl::Notification done;
  Outcome result;
  transport_->Start(std::move(request), [&](Outcome outcome) {
    result = std::move(outcome);
    done.Notify();
  });
  sent.WaitForNotification();
  EXPECT_FALSE(done.HasBeenNotified());
  cancelled->store(true);
  done.WaitForNotification();
  EXPECT_EQ(result.delivery, Delivery::kUnknown);
  EXPECT_TRUE(absl::IsCancelled(result.status)) << result.status;
  // One that is called off before it starts is not sent.
  Request never = To("/");
  never.cancelled = cancelled;
  const Outcome outcome = Send(std::move(never));
  EXPECT_EQ(outcome.delivery, Delivery::kNotSent);
  EXPECT_TRUE(absl::IsCancelled(outcome.status)) << outcome.status;
}

TEST_F(CurlTransportTest, TotalTimeoutEndsALongAnswer) {
  StartServer([](const HttpRequest&) { return Reply("", Ending::kHang); });
  Request request = To("/");
  request.total_timeout = absl::Milliseconds(120);
  const Outcome outcome = Send(request);
  EXPECT_EQ(outcome.status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(outcome.delivery, Delivery::kUnknown);
}

TEST_F(CurlTransportTest, RedirectsAreAnswersNotFollowed) {
  StartServer([](const HttpRequest&) {
    HttpReply reply = Reply("");
    reply.status = 302;
    reply.headers = {{"Location", "/other"}};
    return reply;
  });
  EXPECT_EQ(Send(To("/")).response.status_code, 302);
  EXPECT_EQ(server_->requests(), 1u);
}

TEST_F(CurlTransportTest, ThousandsOfTransfersShareFewConnections) {
  options_.max_connections_per_host = 64;
  transport_ = NewCurlTransport(options_).value();
  StartServer([](const HttpRequest& request) { return Reply(request.body); });
  constexpr int kTransfers = 5000;
  absl::BlockingCounter left(kTransfers);
  std::atomic<int> correct{0};
  for (int i = 0; i < kTransfers; ++i) {
    transport_->Start(To("/", std::to_string(i)), [&, i](const Outcome& outcome) {
      if (outcome.response.body == std::to_string(i)) correct.fetch_add(1);
      left.DecrementCount();
    });
  }
  left.Wait();
  EXPECT_EQ(correct.load(), kTransfers);
  EXPECT_LE(server_->connections(), 64u);
}

TEST_F(CurlTransportTest, WaitingInTheQueueCountsAgainstTheTotalTimeout) {
  options_.max_in_flight = 1;
  transport_ = NewCurlTransport(options_).value();
  StartServer([](const HttpRequest&) { return Reply("", Ending::kHang); });
  absl::Notification first_done;
  transport_->Start(To("/"), [&](const Outcome&) { first_done.Notify(); });
  Request request = To("/");
  request.total_timeout = absl::Milliseconds(120);
  const Outcome outcome = Send(request);
  EXPECT_EQ(outcome.status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(outcome.delivery, Delivery::kNotSent);
  EXPECT_FALSE(first_done.HasBeenNotified());
  transport_.reset();
  EXPECT_TRUE(first_done.HasBeenNotified());
}

TEST_F(CurlTransportTest, ShutDownCancelsWhatIsInFlightAndQueued) {
  options_.max_in_flight = 2;
  transport_ = NewCurlTransport(options_).value();
  absl::Notification arrived;
  StartServer([&](const HttpRequest&) {
    if (!arrived.HasBeenNotified()) arrived.Notify();
    return Reply("", Ending::kHang);
  });
  std::atomic<int> cancelled{0};
  for (int i = 0; i < 5; ++i) {
    transport_->Start(To("/"), [&](const Outcome& outcome) {
      if (absl::IsCancelled(outcome.status)) cancelled.fetch_add(1);
    });
  }
  arrived.WaitForNotification();
  EXPECT_EQ(transport_->in_flight(), 5u);
  transport_.reset();
  EXPECT_EQ(cancelled.load(), 5);
}

TEST(CurlTransportOptionsTest, ZeroLimitsAreRefused) {
  CurlTransportOptions options;
  options.max_in_flight = 0;
  EXPECT_FALSE(NewCurlTransport(options).ok());
}

TEST_F(CurlTransportTest, ASinkTakesTheBodyOfA200AndNothingElse) {
  const std::string large(3u << 20, 'x');
  StartServer([&](const HttpRequest& request) {
    HttpReply reply = Reply(request.target == "/refused" ? "no" : large);
    if (request.target == "/refused") reply.status = 404;
    return reply;
  });
  std::string taken;
  Request request = To("/");
  request.sink = [&](std::string_view bytes) {
    taken += bytes;
    return absl::OkStatus();
  };
  const Outcome outcome = Send(request);
  EXPECT_EQ(outcome.delivery, Delivery::kAnswered);
  EXPECT_TRUE(outcome.response.body.empty());
  EXPECT_EQ(taken, large);

  taken.clear();
  request.url = To("/refused").url;
  EXPECT_EQ(Send(request).response.body, "no");
  EXPECT_TRUE(taken.empty());

  request = To("/");
  request.sink = [](std::string_view) { return absl::ResourceExhaustedError("disk full"); };
  const Outcome full = Send(request);
  EXPECT_EQ(full.status, absl::ResourceExhaustedError("disk full"));
  EXPECT_EQ(full.delivery, Delivery::kUnknown);
}

}  // namespace
}  // namespace limbeck::http
