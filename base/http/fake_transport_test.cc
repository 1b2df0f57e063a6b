#include "base/http/fake_transport.h"

#include <gtest/gtest.h>

namespace limbeck::http {
namespace {

TEST(FakeTransportTest, GivesScriptedRepliesInOrderAndRecordsRequests) {
  FakeTransport transport;
  transport.AddReply(Answer(429, "", {{"Retry-After", "3"}}));
  transport.AddReply(LostAnswer());
  std::vector<Outcome> outcomes;
  for (int i = 0; i < 3; ++i) {
    Request request;
    request.url = "http://teacher/" + std::to_string(i);
    transport.Start(request, [&](Outcome outcome) { outcomes.push_back(std::move(outcome)); });
  }
  ASSERT_EQ(outcomes.size(), 3u);
  EXPECT_EQ(outcomes[0].response.header("retry-after"), "3");
  EXPECT_EQ(outcomes[1].delivery, Delivery::kUnknown);
  EXPECT_FALSE(outcomes[2].status.ok());
  EXPECT_EQ(transport.requests()[2].url, "http://teacher/2");
}

TEST(FakeTransportTest, HoldsTransfersUntilReleased) {
  FakeTransport transport([](const Request&) { return Answer(200, "late"); });
  transport.Hold();
  std::string body;
  transport.Start(Request(), [&](Outcome outcome) { body = outcome.response.body; });
  EXPECT_EQ(transport.in_flight(), 1u);
  EXPECT_EQ(body, "");
  transport.Release();
  EXPECT_EQ(body, "late");
  EXPECT_EQ(transport.in_flight(), 0u);
}

}  // namespace
}  // namespace limbeck::http
