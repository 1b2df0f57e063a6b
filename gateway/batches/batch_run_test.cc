#include "gateway/batches/batch_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gateway/batches/batch_test_world.h"

namespace limbeck::gateway {
namespace {

using ::testing::HasSubstr;

constexpr char kBody[] =
    R"({"model":"m","choices":[{"finish_reason":"stop","message":{"content":"yes"}}],)"
    R"("usage":{"prompt_tokens":5,"completion_tokens":1}})";

// One batch against a scripted provider, on a fake clock.
class BatchRunTest : public testing::Test, protected BatchTestWorld {
 protected:
  BatchRunTest() {
    config_.batch->retry = {.initial = absl::Seconds(1), .max = absl::Seconds(8), .jitter = 0};
    record_.owner = "job-1";
    record_.id = "ab";
    record_.created = clock_.WallNow();
    for (char i = 0; i < 3; ++i) {
      record_.lines.push_back({std::string(32, i), static_cast<uint64_t>(i), 100, 0});
    }
    NewRun();
  }

  void NewRun() {
    run_ = std::make_unique<BatchRun>(tools_, &caller_, record_, "{}\n{}\n{}\n", Deliver());
  }
  // As after a crash: what is in the store is taken up.
  void Restart() {
    auto records = store_.List("job-1").value();
    ASSERT_EQ(records.size(), 1u);
    run_ = std::make_unique<BatchRun>(tools_, &caller_, records[0], Deliver());
  }
  DeliverResults Deliver() {
    return [this](const BatchRecord&, std::vector<BatchResult> results) {
      if (!delivery_.ok()) return delivery_;
      for (BatchResult& result : results) {
        EXPECT_TRUE(outcomes_.emplace(result.line, std::move(result.outcome)).second);
      }
      return absl::OkStatus();
    };
  }

  void Reply(int status, const std::string& body) {
    transport_.AddReply(http::Answer(status, body));
  }
  void ReplyUploaded() { Reply(200, R"({"id":"file-in"})"); }
  std::string Batch(const std::string& status, const std::string& more = "") {
    return absl::StrCat(R"({"id":"batch_1","status":")", status,
                        R"(","metadata":{"limbeck_batch":"ab-1"},"created_at":1700000000)", more,
                        "}");
  }
  std::string Line(size_t line, const std::string& body = kBody, int status = 200) {
    return absl::StrCat(R"({"custom_id":")", CustomId(record_.lines[line]),
                        R"(","response":{"status_code":)", status,
                        R"(,"request_id":"req_1","body":)", body, "},\"error\":null}\n");
  }

  // Steps until the batch ends or nothing more is scripted to happen.
  BatchStep StepUntilEnded(int most = 20) {
    BatchStep step;
    for (int i = 0; i < most && !step.ended; ++i) {
      clock_.Advance(step.wait);
      step = run_->Step();
    }
    return step;
  }
  void Create() {
    ReplyUploaded();
    Reply(200, Batch("validating"));
    run_->Step();
    run_->Step();
  }
  const cache::SoftOutput& output(size_t line) {
    return std::get<cache::SoftOutput>(outcomes_.at(line).result);
  }
  const Failure& failure(size_t line) { return std::get<Failure>(outcomes_.at(line).result); }
  size_t Requests(const std::string& method, const std::string& part) {
    size_t count = 0;
    for (const http::Request& request : transport_.requests()) {
      count += request.method == method && absl::StrContains(request.url, part);
    }
    return count;
  }

  BatchCaller caller_{&transport_};
  BatchRecord record_;
  absl::Status delivery_;
  std::map<size_t, CallOutcome> outcomes_;
  std::unique_ptr<BatchRun> run_;
};

TEST_F(BatchRunTest, GoesFromItsFileToItsSettledLines) {
  Create();
  EXPECT_EQ(store_.List("job-1")->at(0).remote_id, "batch_1");
  Reply(200, Batch("in_progress"));
  Reply(200, Batch("completed", R"(,"output_file_id":"file-out")"));
  Reply(200, Line(2) + Line(0) + Line(1));
  EXPECT_TRUE(StepUntilEnded().ended);
  ASSERT_EQ(outcomes_.size(), 3u);
  EXPECT_EQ(output(0).text, "yes");
  EXPECT_EQ(output(0).usage.input_tokens, 5u);
  EXPECT_EQ(output(0).provenance.request_id, "req_1");
  EXPECT_EQ(output(0).provenance.teacher, "t");
  EXPECT_TRUE(store_.List("job-1")->empty());
  EXPECT_TRUE(std::filesystem::is_empty(tools_.spool));
  const auto requests = transport_.requests();
  EXPECT_THAT(requests[0].body, HasSubstr("{}\n{}\n{}\n"));
  EXPECT_THAT(requests[1].body, HasSubstr(R"("limbeck_batch":"ab-1")"));
}

TEST_F(BatchRunTest, NothingIsRecordedBeforeTheFileIsStored) {
  Reply(503, "");
  const BatchStep step = run_->Step();
  EXPECT_EQ(step.wait, absl::Seconds(1));
  EXPECT_FALSE(run_->recorded());
  EXPECT_TRUE(store_.List("job-1")->empty());
}

TEST_F(BatchRunTest, ACreationOfUnknownOutcomeIsSearchedNotRepeated) {
  ReplyUploaded();
  transport_.AddReply(http::LostAnswer());
  run_->Step();
  run_->Step();
  Reply(200, R"({"data":[{"id":"other","status":"completed","created_at":1700000001,
               "metadata":{"limbeck_batch":"zz-1"}}],"has_more":true})");
  Reply(200, absl::StrCat(R"({"data":[)", Batch("in_progress"), R"(],"has_more":false})"));
  run_->Step();
  EXPECT_EQ(store_.List("job-1")->at(0).remote_id, "batch_1");
  EXPECT_EQ(Requests("POST", "/batches"), 1u);
}

TEST_F(BatchRunTest, AfterACrashBetweenCreationAndItsRecordTheBatchIsFoundByItsTag) {
  ReplyUploaded();
  run_->Step();
  Restart();
  Reply(200, absl::StrCat(R"({"data":[)", Batch("in_progress"), "]}"));
  run_->Step();
  EXPECT_EQ(Requests("POST", "/batches"), 0u);
  EXPECT_EQ(store_.List("job-1")->at(0).remote_id, "batch_1");
}

TEST_F(BatchRunTest, AfterACrashBeforeTheCreationItIsCreatedOnceItWasSoughtLongEnough) {
  ReplyUploaded();
  run_->Step();
  Restart();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Requests("POST", "/batches"), 0u);
    Reply(200, R"({"data":[]})");
    const BatchStep step = run_->Step();
    EXPECT_EQ(step.wait, i < 2 ? config_.batch->lookup_wait : absl::ZeroDuration());
  }
  Reply(200, Batch("validating"));
  run_->Step();
  EXPECT_EQ(Requests("POST", "/batches"), 1u);
  EXPECT_EQ(store_.List("job-1")->at(0).remote_id, "batch_1");
}

TEST_F(BatchRunTest, AnAccountWithoutRoomIsAskedAgainLaterUnderAnotherTag) {
  Create();
  Reply(200, Batch("failed", R"(,"errors":{"data":[{"code":"token_limit_exceeded"}]})"));
  const BatchStep step = run_->Step();
  EXPECT_EQ(step.wait, config_.batch->park);
  EXPECT_TRUE(outcomes_.empty());
  EXPECT_EQ(store_.List("job-1")->at(0).remote_id, "");
  Reply(200, Batch("validating"));
  run_->Step();
  EXPECT_THAT(transport_.requests().back().body, HasSubstr(R"("limbeck_batch":"ab-2")"));
}

TEST_F(BatchRunTest, LinesThatFailValidationAreBadAndTheOthersAreFree) {
  Create();
  Reply(200, Batch("failed", R"(,"errors":{"data":[{"code":"bad","message":"m","line":2},
                               {"code":"bad","message":"m","line":99}]})"));
  EXPECT_TRUE(run_->Step().ended);
  EXPECT_EQ(failure(1).cls, FailureClass::kBadRequest);
  EXPECT_EQ(failure(0).cls, FailureClass::kRetryable);
  EXPECT_FALSE(failure(0).may_have_been_billed);
  EXPECT_TRUE(store_.List("job-1")->empty());
}

TEST_F(BatchRunTest, ABatchThatIsRefusedAsAWholeStopsTheTeacher) {
  Create();
  Reply(200, Batch("failed", R"(,"errors":{"data":[{"code":"model_not_found","message":"m"}]})"));
  EXPECT_TRUE(run_->Step().ended);
  EXPECT_EQ(failure(0).cls, FailureClass::kStopTeacher);
  EXPECT_THAT(failure(0).message, HasSubstr("model_not_found"));
}

TEST_F(BatchRunTest, AnExpiredBatchGivesWhatWasAnsweredAndFreesTheRest) {
  Create();
  Reply(200, Batch("expired", R"(,"output_file_id":"o","error_file_id":"e",
                                "request_counts":{"total":3,"completed":1,"failed":2})"));
  Reply(200, Line(1));
  Reply(200, absl::StrCat(R"({"custom_id":")", CustomId(record_.lines[0]),
                          R"(","response":null,"error":{"code":"batch_expired","message":"m"}})"));
  EXPECT_TRUE(StepUntilEnded().ended);
  EXPECT_EQ(output(1).text, "yes");
  EXPECT_EQ(failure(0).reason, "batch_expired");
  EXPECT_FALSE(failure(0).may_have_been_billed);
  EXPECT_EQ(failure(2).reason, "BATCH_LINE_MISSING");
  EXPECT_FALSE(failure(2).may_have_been_billed);
}

TEST_F(BatchRunTest, AnAnswerThatTheProviderCountsAndDoesNotShowMayHaveBeenBilled) {
  Create();
  Reply(200, Batch("completed", R"(,"output_file_id":"o",
                                  "request_counts":{"total":3,"completed":3,"failed":0})"));
  Reply(200, Line(1) + "garbage\n" + Line(1) + Line(0, R"({"choices":[]})"));
  EXPECT_TRUE(StepUntilEnded().ended);
  EXPECT_TRUE(failure(2).may_have_been_billed);
  EXPECT_EQ(failure(0).cls, FailureClass::kGarbled);
}

TEST_F(BatchRunTest, StatusesOfLinesAreReadAsThoseOfCalls) {
  Create();
  Reply(200, Batch("completed", R"(,"error_file_id":"e")"));
  Reply(200, Line(0, R"({"error":{"message":"m","type":"invalid_request_error"}})", 400) +
                 Line(1, R"({"error":{"code":"rate_limit_exceeded"}})", 429) +
                 Line(2, R"({"error":{"code":"content_filter"}})", 400));
  EXPECT_TRUE(StepUntilEnded().ended);
  EXPECT_EQ(failure(0).cls, FailureClass::kBadRequest);
  EXPECT_EQ(failure(1).cls, FailureClass::kRateLimited);
  EXPECT_EQ(failure(2).cls, FailureClass::kRefused);
}

TEST_F(BatchRunTest, ADownloadThatBreaksIsReadAgainAndNoLineIsSettledTwice) {
  config_.batch->deliver_lines = 1;
  Create();
  Reply(200, Batch("completed", R"(,"output_file_id":"o","error_file_id":"e")"));
  Reply(200, Line(0) + Line(1));
  transport_.AddReply(http::LostAnswer());
  Reply(200, Line(0) + Line(1));
  Reply(200, Line(2));
  EXPECT_TRUE(StepUntilEnded().ended);
  EXPECT_EQ(outcomes_.size(), 3u);
}

TEST_F(BatchRunTest, TheRecordStaysUntilEveryLineIsDurable) {
  Create();
  delivery_ = absl::UnavailableError("the cache is away");
  Reply(200, Batch("completed", R"(,"output_file_id":"o")"));
  Reply(200, Line(0) + Line(1) + Line(2));
  run_->Step();
  EXPECT_FALSE(run_->Step().ended);
  EXPECT_EQ(store_.List("job-1")->size(), 1u);
  delivery_ = absl::OkStatus();
  Reply(200, Line(0) + Line(1) + Line(2));
  EXPECT_TRUE(run_->Step().ended);
  EXPECT_TRUE(store_.List("job-1")->empty());
}

TEST_F(BatchRunTest, PatienceEndsInACancellationAndGraceInLossThatCountsAsSpent) {
  Create();
  clock_.Advance(config_.batch->patience + absl::Seconds(1));
  Reply(200, Batch("cancelling"));
  Reply(200, Batch("cancelling"));
  EXPECT_FALSE(run_->Step().ended);
  EXPECT_EQ(Requests("POST", "/batches/batch_1/cancel"), 1u);
  clock_.Advance(config_.batch->grace);
  Reply(200, Batch("cancelling"));
  EXPECT_TRUE(run_->Step().ended);
  EXPECT_TRUE(failure(0).may_have_been_billed);
  EXPECT_EQ(failure(0).reason, "BATCH_LOST");
}

TEST_F(BatchRunTest, AKeyThatIsRefusedIsForTheOperator) {
  Create();
  Reply(401, R"({"error":{"message":"bad key"}})");
  const BatchStep step = run_->Step();
  ASSERT_TRUE(step.stopped.has_value());
  EXPECT_EQ(step.stopped->cls, FailureClass::kStopTeacher);
  EXPECT_FALSE(step.ended);
  EXPECT_EQ(store_.List("job-1")->size(), 1u);
}

TEST_F(BatchRunTest, ABatchThatTheProviderForgotCountsAsSpentOnceItStaysUnknown) {
  Create();
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(outcomes_.empty());
    Reply(404, "{}");
    clock_.Advance(run_->Step().wait);
  }
  EXPECT_TRUE(failure(0).may_have_been_billed);
}

TEST_F(BatchRunTest, StrayBytesOfAnyShapeNeverCrash) {
  for (const char* bad : {"", "null", "{", "[]", R"({"id":[]})", R"({"data":{}})", "\xff"}) {
    Reply(200, bad);
    run_->Step();
  }
  EXPECT_TRUE(outcomes_.empty());
}

}  // namespace
}  // namespace limbeck::gateway
