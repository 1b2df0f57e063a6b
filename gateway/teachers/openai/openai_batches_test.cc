#include "gateway/teachers/openai/openai_batches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "gateway/teachers/openai/openai_provider.h"
#include "gateway/teachers/teacher.h"

namespace limbeck::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TeacherConfig Config() {
  TeacherConfig config;
  config.name = "t";
  config.kind = "openai";
  config.base_url = "http://teacher/v1";
  config.model = "m";
  config.stream = true;
  return config;
}

TeacherQuery Query() {
  TeacherQuery query;
  query.messages = {{Role::kUser, "line one\nline \"two\""}};
  query.top_logprobs = 5;
  return query;
}

TEST(OpenAiBatchesTest, ALineHoldsTheBodyOfACallOfItsOwnNotStreamed) {
  TeacherConfig plain = Config();
  plain.stream = false;
  const auto call = OpenAiProvider().BuildRequest(plain, Query());
  const auto line = OpenAiBatches().Line(Config(), Query(), "q7");
  ASSERT_TRUE(call.ok() && line.ok());
  EXPECT_EQ(line->find('\n'), line->size() - 1);
  const auto parsed = nlohmann::json::parse(*line);
  EXPECT_EQ(parsed["custom_id"], "q7");
  EXPECT_EQ(parsed["method"], "POST");
  EXPECT_EQ(parsed["url"], "/v1/chat/completions");
  EXPECT_EQ(parsed["body"], nlohmann::json::parse(call->body));
}

TEST(OpenAiBatchesTest, UploadsAFormWithThePurposeAndTheFile) {
  const http::Request request = OpenAiBatches().UploadRequest(Config(), "abc", "{}\n{}\n");
  EXPECT_EQ(request.url, "http://teacher/v1/files");
  EXPECT_THAT(request.body, HasSubstr("name=\"purpose\"\r\n\r\nbatch\r\n"));
  EXPECT_THAT(request.body, HasSubstr("filename=\"abc.jsonl\""));
  EXPECT_THAT(request.body, HasSubstr("\r\n\r\n{}\n{}\n\r\n--limbeck-abc--\r\n"));
  EXPECT_EQ(OpenAiBatches().ReadUpload(R"({"id":"file-1"})").value(), "file-1");
}

TEST(OpenAiBatchesTest, ReadsABatchWithItsFilesCountsAndTag) {
  const auto batch = OpenAiBatches().ReadBatch(R"({"id":"batch_1","status":"expired",
      "created_at":1700000000,"metadata":{"limbeck_batch":"abc-1"},"output_file_id":"file-o",
      "error_file_id":"file-e","errors":null,
      "request_counts":{"total":3,"completed":1,"failed":2}})");
  ASSERT_TRUE(batch.ok()) << batch.status();
  EXPECT_EQ(batch->id, "batch_1");
  EXPECT_EQ(batch->tag, "abc-1");
  EXPECT_EQ(batch->phase, BatchStatus::Phase::kExpired);
  EXPECT_EQ(batch->counts->completed, 1u);
  EXPECT_EQ(absl::ToUnixSeconds(batch->created), 1'700'000'000);
  EXPECT_THAT(batch->results, ElementsAre("file-o", "file-e"));
}

TEST(OpenAiBatchesTest, StatusesThatItDoesNotKnowAreUnderWay) {
  for (const char* status : {"validating", "in_progress", "finalizing", "cancelling", "new"}) {
    const auto batch = OpenAiBatches().ReadBatch(
        nlohmann::json({{"id", "b"}, {"status", status}, {"metadata", nullptr}}).dump());
    ASSERT_TRUE(batch.ok()) << batch.status();
    EXPECT_EQ(batch->phase, BatchStatus::Phase::kUnderWay) << status;
  }
}

TEST(OpenAiBatchesTest, AFailedBatchNamesItsLinesAndWhetherThereWasNoRoom) {
  const OpenAiBatches api;
  const auto bad = api.ReadBatch(R"({"id":"b","status":"failed","errors":{"object":"list",
      "data":[{"code":"invalid_json_line","message":"bad","line":2}]}})");
  ASSERT_TRUE(bad.ok());
  EXPECT_EQ(bad->phase, BatchStatus::Phase::kFailed);
  ASSERT_EQ(bad->faults.size(), 1u);
  EXPECT_EQ(bad->faults[0].line, 2u);
  EXPECT_FALSE(api.HadNoRoom(*bad));
  const auto full = api.ReadBatch(R"({"id":"b","status":"failed","errors":{
      "data":[{"code":"token_limit_exceeded","message":"Enqueued token limit reached"}]}})");
  ASSERT_TRUE(full.ok());
  EXPECT_TRUE(api.HadNoRoom(*full));
}

TEST(OpenAiBatchesTest, IdsThatWouldChangeAUrlAreRefused) {
  const OpenAiBatches api;
  for (const char* id : {"../files", "a/b", "a?b", "", "a b", ".."}) {
    EXPECT_FALSE(api.ReadUpload(nlohmann::json({{"id", id}}).dump()).ok()) << id;
    EXPECT_FALSE(
        api.ReadBatch(nlohmann::json({{"id", "b"}, {"status", "completed"}, {"output_file_id", id}})
                          .dump())
            .ok())
        << id;
  }
  for (const char* body : {"", "[]", "{", "null", "\"x\"", R"({"id":7})"}) {
    EXPECT_FALSE(api.ReadUpload(body).ok()) << body;
    EXPECT_FALSE(api.ReadBatch(body).ok()) << body;
    EXPECT_FALSE(api.ReadPage(body).ok()) << body;
    EXPECT_FALSE(api.ReadAnswer(body).ok()) << body;
  }
}

TEST(OpenAiBatchesTest, PagesGoOnAfterTheLastBatch) {
  const OpenAiBatches api;
  const auto page = api.ReadPage(R"({"data":[{"id":"b2","status":"in_progress"},
      {"id":"b1","status":"completed"}],"has_more":true})");
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->batches.size(), 2u);
  EXPECT_EQ(page->after, "b1");
  EXPECT_THAT(api.ListRequest(Config(), page->after).url, HasSubstr("after=b1"));
  EXPECT_EQ(api.ReadPage(R"({"data":[],"has_more":true})")->after, "");
}

TEST(OpenAiBatchesTest, OfABatchThatCannotBeReadAPageHasTheTag) {
  const OpenAiBatches api;
  const auto page = api.ReadPage(R"({"data":[{"id":"a/b","metadata":{"limbeck_batch":"ab-1"}},7,
      {"id":"b1","status":"completed"}],"has_more":true})");
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_EQ(page->batches.size(), 3u);
  EXPECT_EQ(page->batches[0].tag, "ab-1");
  EXPECT_EQ(page->batches[0].id, "");
  EXPECT_EQ(page->after, "b1");
  EXPECT_FALSE(api.ReadPage(R"({"data":[7],"has_more":true})").ok());
}

TEST(OpenAiBatchesTest, AnAnswersBodyIsKeptByteForByte) {
  const std::string body = R"({"choices":[{"message":{"content":"é \u00e9"}}],  "usage":{}})";
  const auto answer = OpenAiBatches().ReadAnswer(
      R"({"id":"r","custom_id":"q7","response":{"status_code":200,"request_id":"req_9","body":)" +
      body + R"(},"error":null})");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->custom_id, "q7");
  const auto& response = std::get<http::Response>(answer->result);
  EXPECT_EQ(response.status_code, 200);
  EXPECT_EQ(response.body, body);
  EXPECT_EQ(response.header("x-request-id"), "req_9");
}

TEST(OpenAiBatchesTest, ALineWithoutAnAnswerSaysWhetherItWasAsked) {
  const OpenAiBatches api;
  const auto expired = api.ReadAnswer(
      R"({"custom_id":"q","response":null,"error":{"code":"batch_expired","message":"late"}})");
  ASSERT_TRUE(expired.ok()) << expired.status();
  EXPECT_TRUE(api.WasNotAsked(std::get<BatchFault>(expired->result)));
  const auto other =
      api.ReadAnswer(R"({"custom_id":"q","error":{"code":"request_timeout","message":"x"}})");
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_FALSE(api.WasNotAsked(std::get<BatchFault>(other->result)));
  EXPECT_FALSE(api.ReadAnswer(R"({"custom_id":"q","response":null,"error":null})").ok());
}

}  // namespace
}  // namespace limbeck::gateway
