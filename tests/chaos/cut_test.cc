// Answers that are cut at each byte, and connections that go silent (row 7 of the reliability
// plan), between a real provider with its transport and the fake teacher, in this process.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "gateway/teachers/registry.h"
#include "tests/chaos/chaos.h"
#include "tests/support/fake_teacher/fake_teacher.h"

namespace limbeck::testing {
namespace {

// No answer here is longer.
constexpr size_t kMaxAnswerBytes = 30'000;

struct Way {
  const char* kind;
  bool stream;
  bool chunked;
};

class Wire {
 public:
  explicit Wire(const Way& way) {
    FakeTeacherOptions options;
    options.kind = way.kind;
    options.choose_fault = [this](const Sighting&) { return fault_; };
    teacher_ = FakeTeacher::Start(std::move(options)).value();
    config_.name = "fake";
    config_.kind = way.kind;
    config_.base_url = teacher_->base_url();
    config_.model = "m";
    config_.stream = way.stream;
    provider_ = gateway::FindProvider(way.kind).value();
    fault_.chunked = way.chunked;
  }

  // For the questions to come. Not while one is under way.
  Fault* fault() { return &fault_; }
  gateway::TeacherConfig* config() { return &config_; }

  void Ask(std::function<void(http::Outcome)> done) {
    transport_->Start(provider_->BuildRequest(config_, query_).value(), std::move(done));
  }

  http::Outcome Ask() {
    http::Outcome result;
    absl::Notification done;
    Ask([&](http::Outcome outcome) {
      result = std::move(outcome);
      done.Notify();
    });
    done.WaitForNotification();
    return result;
  }

  // Nothing where there is no answer.
  std::optional<cache::SoftOutput> AnswerOf(const http::Outcome& outcome) const {
    if (!outcome.status.ok()) return std::nullopt;
    auto parsed = provider_->ParseResponse(config_, query_, outcome.response, absl::Now());
    if (auto* output = std::get_if<cache::SoftOutput>(&parsed)) return std::move(*output);
    return std::nullopt;
  }

 private:
  static gateway::TeacherQuery MakeQuery() {
    gateway::TeacherQuery query;
    query.messages = {{gateway::Role::kUser, "A fine day. Answer with one of: yes, no."}};
    query.sampling.temperature = 0;
    query.sampling.max_tokens = 4;
    query.top_logprobs = 3;
    return query;
  }

  Fault fault_;
  std::unique_ptr<FakeTeacher> teacher_;
  gateway::TeacherConfig config_;
  const gateway::Provider* provider_ = nullptr;
  const gateway::TeacherQuery query_ = MakeQuery();
  std::unique_ptr<http::Transport> transport_ = http::NewCurlTransport({}).value();
};

size_t Entries(const char* folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder),
                                           std::filesystem::directory_iterator()));
}

// Cuts at every `stride`th byte until the answer is whole; how many cuts there were.
size_t CutEverywhere(Wire* wire, FaultKind ending, size_t first, size_t stride) {
  wire->fault()->kind = FaultKind::kNone;
  const auto whole = wire->AnswerOf(wire->Ask());
  EXPECT_TRUE(whole.has_value());
  wire->fault()->kind = ending;
  size_t cuts = 0;
  for (size_t at = first; whole.has_value() && at < kMaxAnswerBytes; at += stride) {
    wire->fault()->cut_at = at;
    const http::Outcome outcome = wire->Ask();
    ++cuts;
    const auto answer = wire->AnswerOf(outcome);
    if (answer.has_value()) {
      // All of it had come.
      EXPECT_EQ(answer->text, whole->text) << "cut at " << at;
      EXPECT_EQ(answer->tokens.size(), whole->tokens.size()) << "cut at " << at;
      EXPECT_EQ(answer->usage.output_tokens, whole->usage.output_tokens) << "cut at " << at;
      return cuts;
    }
    EXPECT_NE(outcome.delivery, http::Delivery::kNotSent) << "cut at " << at;
  }
  ADD_FAILURE() << "no answer at all";
  return cuts;
}

TEST(CutTest, AnAnswerCutAtAnyByteIsNoAnswer) {
  size_t cuts = 0;
  RunRounds([&](StableRandom& random) {
    // Sockets of what was made before this round are gone; of this round they will be.
    const size_t descriptors = Entries("/proc/self/fd");
    const size_t threads = Entries("/proc/self/task");
    for (const Way& way :
         {Way{"openai", false, false}, Way{"openai", true, true}, Way{"gemini", true, false},
          Way{"llamacpp", true, true}, Way{"ollama", true, true}}) {
      for (const FaultKind ending : {FaultKind::kResetMid, FaultKind::kCloseMid}) {
        // A connection of the last one, reset after all of the answer, is not used again.
        Wire wire(way);
        const size_t stride = IsLongRun() ? 1 : 11;
        cuts += CutEverywhere(&wire, ending, random.Below(stride), stride);
      }
    }
    EXPECT_EQ(Entries("/proc/self/fd"), descriptors);
    EXPECT_EQ(Entries("/proc/self/task"), threads);
  });
  std::cout << cuts << " cuts" << std::endl;
}

// A byte now and then, half an answer and silence, nothing at all: each phase has its deadline.
TEST(CutTest, SilenceIsGivenUpAndLeavesNothingBehind) {
  RunRounds([](StableRandom&) {
    constexpr int kCalls = 60;
    for (const FaultKind kind : {FaultKind::kTrickle, FaultKind::kHoldMid, FaultKind::kHang}) {
      Wire wire({"openai", false, false});
      wire.Ask();
      const size_t threads = Entries("/proc/self/task");
      wire.fault()->kind = kind;
      wire.fault()->interval = absl::Milliseconds(50);
      wire.config()->timeouts.total = absl::Seconds(1);
      std::vector<absl::Duration> took(kCalls);
      std::atomic<int> unknown{0};
      absl::BlockingCounter left(kCalls);
      for (absl::Duration& one : took) {
        wire.Ask([&, asked = absl::Now()](const http::Outcome& outcome) {
          one = absl::Now() - asked;
          unknown += outcome.delivery == http::Delivery::kUnknown ? 1 : 0;
          left.DecrementCount();
        });
      }
      left.Wait();
      EXPECT_EQ(unknown.load(), kCalls) << FaultName(kind);
      EXPECT_EQ(Entries("/proc/self/task"), threads);
      std::sort(took.begin(), took.end());
      std::cout << FaultName(kind) << ": given up after 1 s at p50 " << took[kCalls / 2] << ", p99 "
                << took[kCalls - 1] << std::endl;
    }
  });
}

}  // namespace
}  // namespace limbeck::testing
