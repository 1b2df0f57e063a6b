// A scheduler over a fake transport and a fake clock, for tests.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/http/fake_transport.h"
#include "gateway/dispatch/teacher_scheduler.h"
#include "gateway/teachers/registry.h"

namespace limbeck::gateway {

inline constexpr const char* kGood =
    R"({"choices":[{"finish_reason":"stop","message":{"content":"yes"}}],
        "usage":{"prompt_tokens":5,"completion_tokens":1}})";

class SchedulerWorld : public ::testing::Test {
 protected:
  SchedulerWorld() {
    config_.name = "t";
    config_.kind = "openai";
    config_.base_url = "http://teacher/v1";
    config_.model = "m";
    options_.retry.backoff = {.initial = absl::Seconds(1), .max = absl::Seconds(8), .jitter = 0};
  }

  void Start() {
    pool_ = std::make_unique<QuotaPool>(quota_, &clock_);
    scheduler_ = std::make_unique<TeacherScheduler>(
        config_, *FindProvider("openai"), pool_.get(), &transport_, &clock_, options_,
        [this](std::function<void()> task) { executor_(std::move(task)); },
        [this] { woken_ = true; });
  }

  Call NewCall() {
    Call call;
    call.query.messages = {{Role::kUser, "hello"}};
    call.timeout = absl::Hours(1);
    if (book_ambiguous_) {
      call.on_ambiguous = [this](uint32_t attempt) {
        // The retry may not be sent before this returns.
        booked_.push_back({attempt, transport_.requests().size()});
        return booking_;
      };
    }
    call.done = [this](CallOutcome outcome) { outcomes_.push_back(std::move(outcome)); };
    return call;
  }

  // Asks and pumps once. The outcome appears in outcomes_ when the call ends.
  void Ask(Call call) {
    if (scheduler_ == nullptr) Start();
    ASSERT_TRUE(scheduler_->Ask(std::move(call)).ok());
    Pump();
  }

  // As the client's thread does: again for as long as it is woken.
  std::optional<SteadyTime> Pump() {
    std::optional<SteadyTime> next;
    do {
      woken_ = false;
      next = scheduler_->Pump();
    } while (woken_);
    return next;
  }

  // Advances to each time that Pump names until `outcomes_` has `count` or nothing is due.
  void RunUntil(size_t count) {
    for (int i = 0; i < 1000 && outcomes_.size() < count; ++i) {
      const std::optional<SteadyTime> next = Pump();
      if (outcomes_.size() >= count || !next.has_value()) return;
      if (*next > clock_.Now()) clock_.Advance(*next - clock_.Now());
    }
  }

  const Failure& failure(size_t i) { return std::get<Failure>(outcomes_.at(i).result); }
  size_t sent() { return transport_.requests().size(); }

  FakeClock clock_;
  TeacherConfig config_;
  QuotaPoolOptions quota_;
  DispatchOptions options_;
  http::FakeTransport transport_;
  TeacherScheduler::Executor executor_ = [](std::function<void()> task) { task(); };
  std::unique_ptr<QuotaPool> pool_;
  std::unique_ptr<TeacherScheduler> scheduler_;
  bool woken_ = false;
  bool book_ambiguous_ = true;
  absl::Status booking_;
  std::vector<std::pair<uint32_t, size_t>> booked_;  // Attempt, requests sent by then.
  std::vector<CallOutcome> outcomes_;
};

}  // namespace limbeck::gateway
