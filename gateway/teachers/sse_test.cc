#include "gateway/teachers/sse.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace limbeck::gateway {
namespace {

std::vector<std::string> DataOf(const SseBody& body) {
  std::vector<std::string> data;
  for (const SseEvent& event : body.events) data.push_back(event.name + "|" + event.data);
  return data;
}

using Lines = std::vector<std::string>;

TEST(SseTest, ReadsNamesAndJoinsDataLines) {
  const SseBody body = ReadSse("event: a\ndata: 1\ndata:2\ndata\n\ndata: x\n\n").value();
  EXPECT_EQ(DataOf(body), (Lines{"a|1\n2\n", "|x"}));
  EXPECT_FALSE(body.done);
  EXPECT_FALSE(body.cut);
}

TEST(SseTest, SkipsCommentsBlankLinesAndOtherFields) {
  const SseBody body =
      ReadSse("\xef\xbb\xbf\n\n: keep-alive\n\nid: 7\nretry: 3\n\nevent: ping\n\ndata: x\n: c\n\n")
          .value();
  EXPECT_EQ(DataOf(body), Lines{"|x"});
  EXPECT_FALSE(body.cut);
}

TEST(SseTest, LinesEndInAnyOfThreeWays) {
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    const std::string text = "event: a" + end + "data: 1" + end + end + "data: 2" + end + end;
    const SseBody body = ReadSse(text).value();
    EXPECT_EQ(DataOf(body), (Lines{"a|1", "|2"}));
    EXPECT_FALSE(body.cut);
  }
}

TEST(SseTest, DoneEndsTheStreamAlsoWithoutItsBlankLine) {
  for (const char* end : {"", "\n", "\n\n", "\n\ndata: late\n\n"}) {
    const SseBody body = ReadSse(std::string("data: x\n\ndata: [DONE]") + end).value();
    EXPECT_TRUE(body.done);
    EXPECT_FALSE(body.cut);
    EXPECT_EQ(DataOf(body), Lines{"|x"});
  }
}

TEST(SseTest, ABodyCutInsideAnEventSaysSo) {
  const std::string whole = "event: a\ndata: 1\n\ndata: [DONE]\n\n";
  const size_t first_end = whole.find("\n\n") + 2;
  const size_t done_end = whole.size() - 2;
  for (size_t length = 0; length <= whole.size(); ++length) {
    const SseBody body = ReadSse(whole.substr(0, length)).value();
    EXPECT_EQ(body.done, length >= done_end) << length;
    EXPECT_EQ(body.cut, length != 0 && length != first_end && length < done_end) << length;
  }
}

TEST(SseTest, PiecesMayBeCutAnywhere) {
  const std::string whole =
      "data: {\"a\":\"caf\xc3\xa9\"}\r\n\r\n: c\r\ndata: 1\r\ndata: 2\r\n\r\n";
  const std::vector<std::string> expected = {"{\"a\":\"caf\xc3\xa9\"}", "1\n2"};
  for (size_t cut = 0; cut <= whole.size(); ++cut) {
    SseReader reader;
    std::vector<std::string> data;
    for (const std::string& piece : {whole.substr(0, cut), whole.substr(cut)}) {
      reader.Feed(piece);
      while (const auto event = reader.Next().value()) data.push_back(event->data);
    }
    EXPECT_EQ(data, expected) << cut;
    EXPECT_FALSE(reader.mid_event()) << cut;
  }
}

TEST(SseTest, LongStreamsDoNotPileUp) {
  SseReader reader;
  size_t events = 0;
  for (int i = 0; i < 10'000; ++i) {
    reader.Feed("data: " + std::string(100, 'x') + "\n\n");
    while (reader.Next().value().has_value()) ++events;
  }
  EXPECT_EQ(events, 10'000u);
}

TEST(SseTest, EventsAboveTheLimitAreRefusedEndedOrNot) {
  EXPECT_TRUE(ReadSse("data: 123\n\n", 9).ok());
  for (const char* text : {"data: 1234\n\n", "data: 1234", "data: 12345\ndata: 123456"}) {
    EXPECT_EQ(ReadSse(text, 9).status().code(), absl::StatusCode::kResourceExhausted) << text;
  }
}

TEST(SseTest, TellsStreamsFromJson) {
  for (const char* text : {"data: x", "\n\n: c\n\nevent: a", "id: 1",
                           "\xef\xbb\xbf"
                           "data:"}) {
    EXPECT_TRUE(LooksLikeSse(text)) << text;
  }
  for (const char* text : {"", ": c", ": c\n\n{}", "{\"data:\":1}", "[]", "<html>"}) {
    EXPECT_FALSE(LooksLikeSse(text)) << text;
  }
}

}  // namespace
}  // namespace limbeck::gateway
