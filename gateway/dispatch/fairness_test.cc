// Jobs that wait for one account: each gets its share, also across teachers.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/http/fake_transport.h"
#include "gateway/dispatch/teacher_scheduler.h"
#include "gateway/teachers/registry.h"

namespace limbeck::gateway {
namespace {

// Teachers of one pool, all of whose calls stay on the way until they are released.
class FairnessTest : public ::testing::Test {
 protected:
  explicit FairnessTest(size_t teachers = 2) {
    quota_.max_concurrent = 4;
    pool_ = std::make_unique<QuotaPool>(quota_, &clock_);
    transport_.Hold();
    for (size_t i = 0; i < teachers; ++i) {
      auto teacher = std::make_unique<Teacher>();
      TeacherConfig config;
      config.name = absl::StrCat("t", i);
      config.kind = "openai";
      config.base_url = absl::StrCat("http://t", i, "/v1");
      config.model = "m";
      Teacher* raw = teacher.get();
      DispatchOptions options;
      options.max_calls = 200'000;
      teacher->scheduler = std::make_unique<TeacherScheduler>(
          config, *FindProvider("openai"), pool_.get(), &transport_, &clock_, options,
          [](std::function<void()> task) { task(); }, [raw] { raw->woken = true; });
      teachers_.push_back(std::move(teacher));
    }
  }
  ~FairnessTest() override {
    for (const auto& teacher : teachers_) teacher->scheduler->Shutdown();
    Pump();
    transport_.Release();
    Pump();
  }

  void Ask(size_t teacher, const std::string& job, int count, double weight = 1) {
    for (int i = 0; i < count; ++i) {
      Call call;
      // The job can be told from the request.
      call.query.messages = {{Role::kUser, job}};
      call.share = {"team", job, 1, weight};
      call.timeout = absl::Hours(100);
      call.done = [](CallOutcome) {};
      ASSERT_TRUE(teachers_[teacher]->scheduler->Ask(std::move(call)).ok());
    }
  }

  void Pump() {
    bool again = true;
    while (again) {
      again = false;
      for (const auto& teacher : teachers_) {
        if (!teacher->woken) continue;
        teacher->woken = false;
        teacher->scheduler->Pump();
        again = true;
      }
    }
  }

  // Lets `count` calls end, each of which makes room for another.
  void Serve(int count) {
    Pump();
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(transport_.ReleaseOne());
      Pump();
    }
  }

  // Requests sent so far, by job.
  std::map<std::string, int> Sent() {
    std::map<std::string, int> sent;
    for (const http::Request& request : transport_.requests()) {
      for (const char* job : {"first", "second", "third"}) {
        if (request.body.find(job) != request.body.npos) ++sent[job];
      }
    }
    return sent;
  }

  struct Teacher {
    bool woken = false;
    std::unique_ptr<TeacherScheduler> scheduler;
  };

  FakeClock clock_;
  QuotaPoolOptions quota_;
  // Part of the URL of a teacher that refuses service.
  std::string refusing_;
  http::FakeTransport transport_{[this](const http::Request& request) {
    if (!refusing_.empty() && request.url.find(refusing_) != request.url.npos) {
      return http::Answer(401, "");
    }
    return http::Answer(200, R"({"choices":[{"finish_reason":"stop","message":{"content":"x"}}]})");
  }};
  std::unique_ptr<QuotaPool> pool_;
  std::vector<std::unique_ptr<Teacher>> teachers_;
};

TEST_F(FairnessTest, ABacklogOf100000DoesNotDelayAnotherJobsFirstCall) {
  Ask(0, "first", 100'000);
  Serve(50);
  Ask(0, "second", 10);
  const int before = Sent()["first"];
  Serve(2);
  EXPECT_GE(Sent()["second"], 1);
  EXPECT_LE(Sent()["first"], before + 1);
  Serve(18);
  EXPECT_GE(Sent()["second"], 9);
}

TEST_F(FairnessTest, JobsOfDifferentTeachersShareTheAccount) {
  Ask(0, "first", 1000);
  Serve(100);
  Ask(1, "second", 1000);
  const int before = Sent()["first"];
  Serve(200);
  EXPECT_NEAR(Sent()["second"], 100, 12);
  EXPECT_NEAR(Sent()["first"] - before, 100, 12);
}

TEST_F(FairnessTest, WeightsHoldAcrossTeachers) {
  Ask(0, "first", 1000, 1);
  Ask(1, "second", 1000, 3);
  Ask(1, "third", 1000, 1);
  Serve(400);
  EXPECT_NEAR(Sent()["first"], 80, 12);
  EXPECT_NEAR(Sent()["second"], 240, 12);
  EXPECT_NEAR(Sent()["third"], 80, 12);
}

TEST_F(FairnessTest, WhatAnotherTeacherLeavesIsUsed) {
  Ask(0, "first", 1000);
  Ask(1, "second", 10);
  Serve(200);
  EXPECT_EQ(Sent()["second"], 10);
  EXPECT_EQ(Sent()["first"], 194);
}

TEST_F(FairnessTest, AStoppedTeacherHoldsUpNobody) {
  refusing_ = "//t1/";
  Ask(0, "first", 1000);
  Ask(1, "second", 1000);
  Serve(300);
  EXPECT_TRUE(teachers_[1]->scheduler->state().stopped.has_value());
  EXPECT_LE(Sent()["second"], 8);
  EXPECT_GE(Sent()["first"], 290);
}

}  // namespace
}  // namespace limbeck::gateway
