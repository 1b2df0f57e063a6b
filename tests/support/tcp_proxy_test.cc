#include "tests/support/tcp_proxy.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/synchronization/notification.h"
#include "base/http/transport.h"
#include "tests/support/loopback_server.h"
#include "tests/support/process.h"

namespace limbeck::testing {
namespace {

class TcpProxyTest : public ::testing::Test {
 protected:
  struct Pending {
    http::Outcome outcome;
    absl::Notification done;
  };

  std::shared_ptr<Pending> Get() {
    auto pending = std::make_shared<Pending>();
    http::Request request;
    request.url = "http://127.0.0.1:" + std::to_string(proxy_->port()) + "/";
    request.body = "{}";
    transport_->Start(std::move(request), [pending](http::Outcome outcome) {
      pending->outcome = std::move(outcome);
      pending->done.Notify();
    });
    return pending;
  }

  std::unique_ptr<LoopbackServer> server_ = LoopbackServer::Start(0, [](const HttpRequest&) {
                                              HttpReply reply;
                                              reply.body = "hello";
                                              return reply;
                                            }).value();
  std::unique_ptr<TcpProxy> proxy_ = TcpProxy::Start(server_->port()).value();
  std::unique_ptr<http::Transport> transport_ = http::NewCurlTransport({}).value();
};

TEST_F(TcpProxyTest, PassesBytesBothWays) {
  const auto asked = Get();
  asked->done.WaitForNotification();
  EXPECT_EQ(asked->outcome.response.body, "hello");
}

TEST_F(TcpProxyTest, KeepsOneDirectionUntilItIsLetGo) {
  proxy_->Hold(Direction::kToServer);
  const auto asked = Get();
  ASSERT_TRUE(
      PollUntil(absl::Seconds(10), [&] { return proxy_->held_bytes(Direction::kToServer) > 0; }));
  EXPECT_EQ(server_->requests(), 0u);
  proxy_->Hold(Direction::kToClient);
  proxy_->LetGo(Direction::kToServer);
  ASSERT_TRUE(
      PollUntil(absl::Seconds(10), [&] { return proxy_->held_bytes(Direction::kToClient) > 0; }));
  EXPECT_EQ(server_->requests(), 1u);
  EXPECT_FALSE(asked->done.HasBeenNotified());
  proxy_->LetGo(Direction::kToClient);
  asked->done.WaitForNotification();
  EXPECT_EQ(asked->outcome.response.body, "hello");
}

TEST_F(TcpProxyTest, ResetsWhatIsOnTheWay) {
  proxy_->Hold(Direction::kToClient);
  const auto asked = Get();
  ASSERT_TRUE(
      PollUntil(absl::Seconds(10), [&] { return proxy_->held_bytes(Direction::kToClient) > 0; }));
  proxy_->ResetAll();
  asked->done.WaitForNotification();
  EXPECT_EQ(asked->outcome.delivery, http::Delivery::kUnknown);
}

}  // namespace
}  // namespace limbeck::testing
