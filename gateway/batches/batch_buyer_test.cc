#include "gateway/batches/batch_buyer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gateway/batches/batch_test_world.h"
#include "gateway/batches/settle_recorded.h"

namespace limbeck::gateway {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(20);

// A provider with one file after another, whose batches end as soon as `done` is set.
class FakeBatches {
 public:
  http::Outcome Answer(const http::Request& request) {
    absl::MutexLock lock(&mu_);
    if (request.method == "POST" && absl::EndsWith(request.url, "/files")) {
      files_.push_back(request.body);
      return http::Answer(200, absl::StrCat(R"({"id":")", files_.size(), R"("})"));
    }
    if (request.method == "POST" && absl::EndsWith(request.url, "/batches")) {
      ++created_;
      const auto body = nlohmann::json::parse(request.body);
      return http::Answer(200, Batch(body["input_file_id"].get<std::string>()));
    }
    if (absl::EndsWith(request.url, "/content")) return http::Answer(200, Results(request.url));
    const std::vector<std::string> parts = absl::StrSplit(request.url, '/');
    return http::Answer(status_, status_ == 200 ? Batch(parts.back()) : "{}");
  }
  void Finish() {
    absl::MutexLock lock(&mu_);
    done_ = true;
  }
  void SetStatus(int status) {
    absl::MutexLock lock(&mu_);
    status_ = status;
  }
  size_t created() {
    absl::MutexLock lock(&mu_);
    return created_;
  }

 private:
  std::string Batch(const std::string& id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return absl::StrCat(R"({"id":")", id, R"(","status":")", done_ ? "completed" : "in_progress",
                        R"(","output_file_id":)", done_ ? absl::StrCat("\"", id, "\"") : "null",
                        "}");
  }
  std::string Results(const std::string& url) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    const std::vector<std::string> parts = absl::StrSplit(url, '/');
    const std::string& file = files_[std::stoul(parts[parts.size() - 2]) - 1];
    std::string results;
    for (const absl::string_view line : absl::StrSplit(file, '\n')) {
      if (!absl::StartsWith(line, "{")) continue;
      const auto request = nlohmann::json::parse(line.begin(), line.end());
      results = absl::StrCat(
          R"({"custom_id":")", request["custom_id"].get<std::string>(),
          R"(","response":{"status_code":200,"body":{"choices":[{"finish_reason":"stop",)"
          R"("message":{"content":"yes"}}],"usage":{"prompt_tokens":5,"completion_tokens":1}}}})",
          "\n", results);
    }
    return results;
  }

  absl::Mutex mu_;
  std::vector<std::string> files_ ABSL_GUARDED_BY(mu_);
  size_t created_ ABSL_GUARDED_BY(mu_) = 0;
  bool done_ ABSL_GUARDED_BY(mu_) = false;
  int status_ ABSL_GUARDED_BY(mu_) = 200;
};

class BatchBuyerTest : public testing::Test, protected BatchTestWorld {
 protected:
  BatchBuyerTest()
      : BatchTestWorld([this](const auto& request) { return provider_.Answer(request); }) {
    tools_.clock = Clock::Real();
    BatchLimits& limits = *config_.batch;
    limits.max_requests = 3;
    limits.gather = absl::Milliseconds(20);
    limits.poll = absl::Milliseconds(5);
    limits.retry.initial = absl::Milliseconds(5);
    limits.retry.max = absl::Milliseconds(20);
  }

  void Start() {
    buyer_ = std::make_unique<BatchBuyer>(tools_, "job-1", [this](const Failure& failure) {
      absl::MutexLock lock(&mu_);
      stopped_ = failure.http_status;
    });
  }
  BatchOrder Order(uint64_t fence) {
    BatchOrder order;
    order.query.messages = {{Role::kUser, "hello"}};
    order.line = {std::string(32, 'k'), fence, 10, 0};
    order.done = [this, fence](CallOutcome outcome, const BatchOrder::Settled& settled) {
      {
        absl::MutexLock lock(&mu_);
        (outcome.ok() ? answered_ : failed_).insert(fence);
        settling_ = settle_;
      }
      settled(settling_);
    };
    order.left = [this, fence] {
      absl::MutexLock lock(&mu_);
      left_.insert(fence);
    };
    return order;
  }
  // Whether `what` becomes true in time.
  template <typename What>
  bool Await(What what) {
    absl::MutexLock lock(&mu_);
    const absl::Time end = absl::Now() + kPatience;
    const auto never = []() { return false; };
    while (!what() && absl::Now() < end) {
      mu_.AwaitWithTimeout(absl::Condition(&never), absl::Milliseconds(2));
    }
    return what();
  }

  absl::Mutex mu_;
  std::set<uint64_t> answered_, failed_, left_;
  absl::Status settle_, settling_;
  int stopped_ = 0;

  FakeBatches provider_;
  std::unique_ptr<BatchBuyer> buyer_;
};

TEST_F(BatchBuyerTest, FullBatchesGoAtOnceAndTheRestOnceNothingMoreComes) {
  Start();
  for (uint64_t fence = 1; fence <= 4; ++fence) buyer_->Ask(Order(fence));
  EXPECT_TRUE(Await([&] { return provider_.created() == 2; }));
  provider_.Finish();
  EXPECT_TRUE(Await([&] { return answered_.size() == 4; }));
  EXPECT_TRUE(Await([&] { return store_.List("job-1")->empty(); }));
}

TEST_F(BatchBuyerTest, MoreThanTheAllowedBatchesWait) {
  config_.batch->max_batches = 1;
  Start();
  for (uint64_t fence = 1; fence <= 6; ++fence) buyer_->Ask(Order(fence));
  EXPECT_TRUE(Await([&] { return provider_.created() == 1; }));
  buyer_->Park();
  EXPECT_EQ(provider_.created(), 1u);
  EXPECT_EQ(left_.size(), 3u);
  EXPECT_EQ(failed_.size(), 3u);
}

TEST_F(BatchBuyerTest, WhatIsLeftAtTheProviderIsSettledByTheNextProcess) {
  Start();
  for (uint64_t fence = 1; fence <= 3; ++fence) buyer_->Ask(Order(fence));
  EXPECT_TRUE(Await([&] {
    const auto records = store_.List("job-1");
    return records->size() == 1 && !records->at(0).remote_id.empty();
  }));
  buyer_.reset();
  EXPECT_EQ(left_.size(), 3u);
  EXPECT_TRUE(answered_.empty());
  provider_.Finish();
  BatchCaller caller(&transport_);
  std::set<uint64_t> settled;
  const auto stopped = SettleRecorded(
      tools_, &caller, "job-1", false,
      [&](const BatchRecord& record, const std::vector<BatchResult>& results) {
        for (const BatchResult& result : results) {
          EXPECT_TRUE(result.outcome.ok());
          settled.insert(record.lines[result.line].fence);
        }
        return absl::OkStatus();
      },
      [](size_t) {});
  ASSERT_TRUE(stopped.ok()) << stopped.status();
  EXPECT_FALSE(stopped->has_value());
  EXPECT_EQ(settled, (std::set<uint64_t>{1, 2, 3}));
  EXPECT_EQ(provider_.created(), 1u);
  EXPECT_TRUE(store_.List("job-1")->empty());
}

TEST_F(BatchBuyerTest, AnswersThatCannotBeStoredKeepTheRecord) {
  settle_ = absl::InternalError("no disk");
  Start();
  buyer_->Ask(Order(1));
  provider_.Finish();
  EXPECT_TRUE(Await([&] { return answered_.size() == 1; }));
  const size_t requests = transport_.requests().size();
  EXPECT_TRUE(Await([&] { return transport_.requests().size() > requests + 2; }));
  EXPECT_EQ(store_.List("job-1")->size(), 1u);
}

TEST_F(BatchBuyerTest, TheOperatorIsCalledWhereTheKeyIsRefused) {
  Start();
  buyer_->Ask(Order(1));
  EXPECT_TRUE(Await([&] { return provider_.created() == 1; }));
  provider_.SetStatus(401);
  EXPECT_TRUE(Await([&] { return stopped_ == 401; }));
  EXPECT_TRUE(answered_.empty() && failed_.empty());
}

TEST_F(BatchBuyerTest, AQueryThatCannotBeAskedEndsAlone) {
  Start();
  BatchOrder bad = Order(1);
  bad.query.continuation = "not of this kind";
  buyer_->Ask(std::move(bad));
  config_.batch->max_bytes = 1000;
  BatchOrder big = Order(2);
  big.query.messages[0].content = std::string(2000, 'x');
  buyer_->Ask(std::move(big));
  EXPECT_EQ(failed_, (std::set<uint64_t>{1, 2}));
  buyer_->Park();
  buyer_->Ask(Order(3));
  EXPECT_EQ(failed_.size(), 3u);
}

}  // namespace
}  // namespace limbeck::gateway
