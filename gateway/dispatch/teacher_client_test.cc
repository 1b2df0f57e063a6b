// The client against a real server that misbehaves.
#include "gateway/dispatch/teacher_client.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "gateway/teachers/canonical.h"
#include "gateway/teachers/registry.h"
#include "tests/support/fake_teacher/fake_teacher.h"

namespace limbeck::gateway {
namespace {

class TeacherClientTest : public ::testing::Test {
 protected:
  void Start(const std::string& script, const std::string& kind = "openai") {
    testing::FakeTeacherOptions options;
    options.kind = kind;
    options.script = testing::ParseScript(script).value();
    teacher_ = testing::FakeTeacher::Start(options).value();
    config_.name = "fake";
    config_.kind = kind;
    config_.base_url = teacher_->base_url();
    config_.model = "m";
    client_options_.dispatch.retry.backoff = {.initial = absl::Milliseconds(2),
                                              .max = absl::Milliseconds(50)};
    client_options_.dispatch.retry.budget = {.initial = 100'000, .max_saved = 100'000};
    client_options_.dispatch.retry.max_tries = 20;
    pool_ = std::make_unique<QuotaPool>(quota_, Clock::Real());
    client_ = TeacherClient::Create(config_, *FindProvider(kind), pool_.get(), transport_.get(),
                                    client_options_);
  }

  static TeacherQuery Query(int row) {
    TeacherQuery query;
    query.messages = {{Role::kUser, absl::StrCat("one of: yes, no. row ", row)}};
    query.sampling.temperature = 0;
    query.sampling.max_tokens = 4;
    return query;
  }

  // Asks `rows` questions at once and waits for all. Returns how many gave an answer.
  int AskAll(int rows, uint32_t top_logprobs) {
    absl::BlockingCounter left(rows);
    std::atomic<int> good{0};
    for (int row = 0; row < rows; ++row) {
      Call call;
      call.query = Query(row);
      call.query.top_logprobs = top_logprobs;
      call.on_ambiguous = [this](uint32_t) {
        booked_.fetch_add(1);
        return absl::OkStatus();
      };
      call.done = [&](const CallOutcome& outcome) {
        if (outcome.ok()) good.fetch_add(1);
        ambiguous_.fetch_add(static_cast<int>(outcome.ambiguous_tries));
        left.DecrementCount();
      };
      EXPECT_TRUE(client_->Ask(std::move(call)).ok());
    }
    left.Wait();
    return good.load();
  }

  TeacherConfig config_;
  QuotaPoolOptions quota_;
  TeacherClientOptions client_options_;
  std::unique_ptr<testing::FakeTeacher> teacher_;
  std::unique_ptr<QuotaPool> pool_;
  std::unique_ptr<TeacherClient> client_;
  std::atomic<int> booked_{0};
  std::atomic<int> ambiguous_{0};
  // Last, so that it goes first and ends what is on the way.
  std::unique_ptr<http::Transport> transport_ = http::NewCurlTransport({}).value();
};

TEST_F(TeacherClientTest, ThousandsOfCallsAreServedOnce) {
  Start("{}");
  EXPECT_EQ(AskAll(3000, 5), 3000);
  EXPECT_EQ(teacher_->invoice().size(), 3000u);
  EXPECT_EQ(booked_.load(), 0);
}

TEST_F(TeacherClientTest, EveryServedCallIsAnAnswerOrBookedAsAmbiguous) {
  Start(R"({"faults": [{"kind": "status", "status": 503, "ratio": 0.1},
                       {"kind": "reset_before", "ratio": 0.05},
                       {"kind": "reset_mid", "ratio": 0.05},
                       {"kind": "truncated_json", "ratio": 0.03, "first_attempts": 1},
                       {"kind": "malformed_json", "ratio": 0.03, "first_attempts": 1}]})");
  client_options_.dispatch.breaker.failures_to_open = 1000;
  client_.reset();
  client_ = TeacherClient::Create(config_, *FindProvider("openai"), pool_.get(), transport_.get(),
                                  client_options_);
  EXPECT_EQ(AskAll(600, 20), 600);
  const std::vector<testing::InvoiceLine> invoice = teacher_->invoice();
  EXPECT_GT(invoice.size(), 600u);
  std::set<std::string> keys;
  for (const testing::InvoiceLine& line : invoice) keys.insert(line.idempotency_key);
  EXPECT_EQ(keys.size(), 600u);
  // The whole point: what the teacher would bill beyond one call a row was booked, call by call.
  EXPECT_EQ(invoice.size() - 600, static_cast<size_t>(booked_.load()));
  EXPECT_EQ(booked_.load(), ambiguous_.load());
}

TEST_F(TeacherClientTest, RateLimitsAreWaitedOutWithoutLosingRows) {
  Start(R"({"faults": [{"kind": "rate_limited", "ratio": 0.3, "retry_after": "0.01",
                        "first_attempts": 1}]})");
  EXPECT_EQ(AskAll(300, 0), 300);
  EXPECT_EQ(teacher_->invoice().size(), 300u);
  EXPECT_EQ(booked_.load(), 0);
}

TEST_F(TeacherClientTest, VotesAreSeparateCallsWithSeparateKeys) {
  Start(R"({"softness": 50})", "anthropic");
  std::map<std::string, int> votes;
  for (uint32_t sample = 0; sample < 20; ++sample) {
    Call call;
    call.query = Query(1);
    call.query.sampling.temperature = 1;
    call.query.sample_index = sample;
    absl::Notification done;
    call.done = [&](CallOutcome outcome) {
      ++votes[std::get<cache::SoftOutput>(outcome.result).text];
      done.Notify();
    };
    ASSERT_TRUE(client_->Ask(std::move(call)).ok());
    done.WaitForNotification();
  }
  EXPECT_GE(votes.size(), 2u);
  std::set<std::string> keys;
  for (const auto& line : teacher_->invoice()) keys.insert(line.idempotency_key);
  EXPECT_EQ(keys.size(), 20u);
}

TEST_F(TeacherClientTest, ConcurrencyStaysWithinThePool) {
  quota_.max_concurrent = 7;
  Start(R"({"latency_ms": 2})");
  EXPECT_EQ(AskAll(100, 0), 100);
  EXPECT_LE(teacher_->connections(), 7u);
}

TEST_F(TeacherClientTest, DestroyingTheTransportEndsWhatIsOnTheWay) {
  Start(R"({"faults": [{"kind": "hang"}]})");
  Call call;
  call.query = Query(1);
  absl::Notification done;
  CallOutcome result;
  call.done = [&](CallOutcome outcome) {
    result = std::move(outcome);
    done.Notify();
  };
  ASSERT_TRUE(client_->Ask(std::move(call)).ok());
  while (teacher_->requests() == 0) std::this_thread::yield();
  client_->Shutdown();
  transport_.reset();
  client_.reset();
  ASSERT_TRUE(done.HasBeenNotified());
  EXPECT_EQ(std::get<Failure>(result.result).cls, FailureClass::kCancelled);
  EXPECT_TRUE(std::get<Failure>(result.result).may_have_been_billed);
}

}  // namespace
}  // namespace limbeck::gateway
