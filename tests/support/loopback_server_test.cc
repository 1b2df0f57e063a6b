#include "tests/support/loopback_server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <iterator>
#include <string_view>

#include "absl/synchronization/notification.h"
#include "tests/support/loopback_socket.h"

namespace limbeck::testing {
namespace {

constexpr std::string_view kRequest = "GET / HTTP/1.1\r\n\r\n";

int Ask(int port) {
  const int fd = ConnectLoopback(port);
  EXPECT_EQ(send(fd, kRequest.data(), kRequest.size(), MSG_NOSIGNAL), std::ssize(kRequest));
  return fd;
}

TEST(LoopbackServerTest, IsAloneOnceAllThatDeadClientsHadSentWasHandled) {
  absl::Notification busy;
  absl::Notification go_on;
  const auto server = LoopbackServer::Start(0, [&](const HttpRequest&) {
    if (!busy.HasBeenNotified()) busy.Notify();
    go_on.WaitForNotification();
    return HttpReply{};
  });
  ASSERT_TRUE(server.ok()) << server.status();
  close(Ask((*server)->port()));
  busy.WaitForNotification();
  // Its request, and even its connection, lie unread while the server is busy.
  close(Ask((*server)->port()));
  EXPECT_EQ((*server)->requests(), 1u);
  go_on.Notify();
  EXPECT_TRUE((*server)->WaitUntilAlone(absl::Seconds(60)));
  EXPECT_EQ((*server)->requests(), 2u);
}

TEST(LoopbackServerTest, IsNotAloneWhileAClientStays) {
  const auto server = LoopbackServer::Start(0, [](const HttpRequest&) { return HttpReply{}; });
  ASSERT_TRUE(server.ok()) << server.status();
  const int client = Ask((*server)->port());
  EXPECT_FALSE((*server)->WaitUntilAlone(absl::Milliseconds(50)));
  close(client);
  EXPECT_TRUE((*server)->WaitUntilAlone(absl::Seconds(60)));
}

}  // namespace
}  // namespace limbeck::testing
