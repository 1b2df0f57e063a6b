#include "gateway/coordination/coordinator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace limbeck::gateway {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(30);

// A worker that does what a test tells it to.
class FakeWorker : public WorkerLink {
 public:
  void Send(const v1::WorkResponse& message) override {
    absl::MutexLock lock(&mu_);
    if (!message.has_heartbeat()) inbox_.push_back(message);
    if (message.has_heartbeat()) ++heartbeats_;
  }
  void ReadNext() override {
    absl::MutexLock lock(&mu_);
    ++reads_;
  }
  void Close(const absl::Status&) override {
    absl::MutexLock lock(&mu_);
    closed_ = true;
  }

  void Join(Coordinator* coordinator, const std::string& id) {
    coordinator_ = coordinator;
    v1::WorkRequest::Register registration;
    registration.set_worker_id(id);
    registration.set_version("1");
    auto session = coordinator->Register(registration, self);
    ASSERT_TRUE(session.ok()) << session.status();
    session_ = *session;
  }
  // The next message of the kind, passing over others.
  template <typename Has>
  v1::WorkResponse Await(Has has) {
    absl::MutexLock lock(&mu_);
    const auto find = [&] { return std::find_if(inbox_.begin(), inbox_.end(), has); };
    const auto there = [&] { return find() != inbox_.end(); };
    if (!mu_.AwaitWithTimeout(absl::Condition(&there), kPatience)) {
      ADD_FAILURE() << "the coordinator did not send the message";
      return {};
    }
    const v1::WorkResponse found = *find();
    inbox_.erase(inbox_.begin(), find() + 1);
    return found;
  }
  v1::WorkResponse::Assignment AwaitAssignment() {
    assignment_ = Await([](const auto& m) { return m.has_assignment(); }).assignment();
    return assignment_;
  }
  bool AwaitClosed() {
    absl::MutexLock lock(&mu_);
    return mu_.AwaitWithTimeout(absl::Condition(&closed_), kPatience);
  }
  int heartbeats() {
    absl::MutexLock lock(&mu_);
    return heartbeats_;
  }

  void Say(const v1::WorkRequest& message) { coordinator_->Receive(session_, message); }
  void SayEnded(v1::WorkRequest::Ended::Outcome outcome, const std::string& text = "") {
    v1::WorkRequest message;
    message.mutable_ended()->set_generation(assignment_.generation());
    message.mutable_ended()->set_outcome(outcome);
    message.mutable_ended()->set_message(text);
    Say(message);
  }
  void SayReport() {
    v1::WorkRequest message;
    message.mutable_report()->set_generation(assignment_.generation());
    message.mutable_report()->mutable_report()->set_verdict(v1::VERDICT_ACCEPT);
    Say(message);
  }
  void Vanish() { coordinator_->Disconnected(session_); }

  std::shared_ptr<WorkerLink> self;

 private:
  Coordinator* coordinator_ = nullptr;
  uint64_t session_ = 0;
  v1::WorkResponse::Assignment assignment_;
  absl::Mutex mu_;
  std::vector<v1::WorkResponse> inbox_ ABSL_GUARDED_BY(mu_);
  int reads_ ABSL_GUARDED_BY(mu_) = 0;
  int heartbeats_ ABSL_GUARDED_BY(mu_) = 0;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
};

std::shared_ptr<FakeWorker> NewWorker() {
  auto worker = std::make_shared<FakeWorker>();
  // The coordinator shares ownership; the test drops its copy at the end.
  worker->self = std::shared_ptr<WorkerLink>(worker.get(), [](WorkerLink*) {});
  return worker;
}

class RecordingObserver : public TrainingObserver {
 public:
  absl::StatusOr<uint64_t> NextGeneration() override { return ++generation; }
  void OnWaiting(uint32_t idle, uint32_t wanted) override { waited = true; }
  void OnGroupFormed(uint64_t, uint32_t workers) override { group_sizes.push_back(workers); }
  void OnGroupLost(uint64_t, const std::string& why) override { losses.push_back(why); }
  void OnProgress(const v1::WorkRequest::TrainProgress& progress, uint32_t) override {
    steps = progress.step();
  }
  absl::Status OnArtifact(uint64_t, const v1::ArtifactChunk& chunk) override {
    artifact += chunk.data();
    return absl::OkStatus();
  }
  absl::Status OnReport(uint64_t, const v1::AcceptanceReport& report) override {
    verdict = report.verdict();
    return absl::OkStatus();
  }

  uint64_t generation = 0;
  bool waited = false;
  uint64_t steps = 0;
  std::vector<uint32_t> group_sizes;
  std::vector<std::string> losses;
  std::string artifact;
  v1::Verdict verdict = v1::VERDICT_UNSPECIFIED;
};

class CoordinatorTest : public testing::Test {
 protected:
  CoordinatorTest() {
    CoordinatorOptions options;
    options.version = "1";
    options.group_linger = absl::ZeroDuration();
    options.stop_timeout = absl::Milliseconds(200);
    options.reform_backoff = {.initial = absl::ZeroDuration(), .max = absl::ZeroDuration()};
    // Ticks are the test's own.
    options.heartbeat = absl::Hours(1);
    options.max_barren_groups = 3;
    coordinator_ = std::make_unique<Coordinator>(options, &clock_);
  }

  // Starts a training in its own thread.
  void Start(uint32_t min_workers, uint32_t max_workers) {
    task_.job_id = "job-1";
    task_.min_workers = min_workers;
    task_.max_workers = max_workers;
    thread_ = std::thread([this] { status_ = coordinator_->Train(task_, &observer_, &stop_); });
  }
  absl::Status Finish() {
    thread_.join();
    return status_;
  }
  std::shared_ptr<FakeWorker> Join(const std::string& id) {
    workers_.push_back(NewWorker());
    workers_.back()->Join(coordinator_.get(), id);
    return workers_.back();
  }

  FakeClock clock_;
  std::vector<std::shared_ptr<FakeWorker>> workers_;
  std::unique_ptr<Coordinator> coordinator_;
  TrainingTask task_;
  RecordingObserver observer_;
  StopSignal stop_;
  std::thread thread_;
  absl::Status status_;
};

TEST_F(CoordinatorTest, RanksFollowWorkerIdsWhateverTheOrderOfArrival) {
  auto b = Join("b");
  auto c = Join("c");
  auto a = Join("a");
  Start(2, 2);
  EXPECT_EQ(a->AwaitAssignment().rank(), 0u);
  const auto assignment = b->AwaitAssignment();
  EXPECT_EQ(assignment.rank(), 1u);
  EXPECT_EQ(assignment.world_size(), 2u);
  EXPECT_EQ(coordinator_->idle_workers(), 1u);
  a->SayReport();
  a->Await([](const auto& m) { return m.has_report_stored(); });
  a->SayEnded(v1::WorkRequest::Ended::OUTCOME_DONE);
  b->SayEnded(v1::WorkRequest::Ended::OUTCOME_DONE);
  EXPECT_TRUE(Finish().ok());
  EXPECT_EQ(observer_.verdict, v1::VERDICT_ACCEPT);
  EXPECT_EQ(coordinator_->idle_workers(), 3u);
}

TEST_F(CoordinatorTest, WaitsForTheMinimum) {
  auto a = Join("a");
  Start(2, 4);
  auto b = Join("b");
  EXPECT_EQ(a->AwaitAssignment().world_size(), 2u);
  b->AwaitAssignment();
  stop_.Fire();
  a->Await([](const auto& m) { return m.has_stop(); });
  a->SayEnded(v1::WorkRequest::Ended::OUTCOME_INTERRUPTED);
  b->SayEnded(v1::WorkRequest::Ended::OUTCOME_INTERRUPTED);
  EXPECT_EQ(Finish().code(), absl::StatusCode::kCancelled);
}

TEST_F(CoordinatorTest, RendezvousAddressReachesTheOthers) {
  auto a = Join("a");
  auto b = Join("b");
  Start(2, 2);
  b->AwaitAssignment();
  v1::WorkRequest ready;
  ready.mutable_rendezvous_ready()->set_generation(a->AwaitAssignment().generation());
  ready.mutable_rendezvous_ready()->set_address("10.0.0.1:9");
  a->Say(ready);
  EXPECT_EQ(b->Await([](const auto& m) { return m.has_rendezvous(); }).rendezvous().address(),
            "10.0.0.1:9");
  stop_.Fire();
  Finish().IgnoreError();
}

TEST_F(CoordinatorTest, LossOfAMemberStopsTheOthersAndFormsAHigherGeneration) {
  auto a = Join("a");
  auto b = Join("b");
  Start(1, 2);
  const uint64_t first = a->AwaitAssignment().generation();
  b->AwaitAssignment();
  b->Vanish();
  EXPECT_EQ(a->Await([](const auto& m) { return m.has_stop(); }).stop().generation(), first);
  a->SayEnded(v1::WorkRequest::Ended::OUTCOME_INTERRUPTED);
  const auto second = a->AwaitAssignment();
  EXPECT_GT(second.generation(), first);
  EXPECT_EQ(second.world_size(), 1u);
  a->SayReport();
  a->SayEnded(v1::WorkRequest::Ended::OUTCOME_DONE);
  EXPECT_TRUE(Finish().ok());
  EXPECT_EQ(observer_.group_sizes, (std::vector<uint32_t>{2, 1}));
  ASSERT_EQ(observer_.losses.size(), 1u);
  EXPECT_TRUE(absl::StrContains(observer_.losses[0], "worker b"));
}

TEST_F(CoordinatorTest, MemberThatDoesNotLeaveInTimeIsDropped) {
  auto a = Join("a");
  auto b = Join("b");
  Start(1, 2);
  a->AwaitAssignment();
  b->AwaitAssignment();
  b->Vanish();
  EXPECT_TRUE(a->AwaitClosed());
  EXPECT_EQ(coordinator_->workers(), 0u);
  stop_.Fire();
  EXPECT_EQ(Finish().code(), absl::StatusCode::kCancelled);
}

TEST_F(CoordinatorTest, WorkerThatMissesThreeHeartbeatsIsLost) {
  auto a = Join("a");
  clock_.Advance(absl::Hours(2));
  coordinator_->Tick();
  EXPECT_EQ(coordinator_->workers(), 1u);
  EXPECT_GE(a->heartbeats(), 1);
  clock_.Advance(absl::Hours(2));
  coordinator_->Tick();
  EXPECT_EQ(coordinator_->workers(), 0u);
  EXPECT_TRUE(a->AwaitClosed());
}

TEST_F(CoordinatorTest, FailureOfAWorkerFailsTheTraining) {
  auto a = Join("a");
  Start(1, 1);
  a->AwaitAssignment();
  a->SayEnded(v1::WorkRequest::Ended::OUTCOME_FAILED, "the loss is not a number");
  const absl::Status status = Finish();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(absl::StrContains(status.message(), "the loss is not a number"));
}

TEST_F(CoordinatorTest, GroupsThatKeepBreakingBeforeTheFirstStepFailTheJob) {
  auto a = Join("a");
  Start(1, 1);
  for (int i = 0; i < 3; ++i) {
    a->AwaitAssignment();
    a->SayEnded(v1::WorkRequest::Ended::OUTCOME_INTERRUPTED, "no route to a peer");
  }
  EXPECT_EQ(Finish().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(CoordinatorTest, JobThatNeedsMoreWorkersThanThereAreHoldsUpNobody) {
  auto a = Join("a");
  StopSignal big_stop;
  RecordingObserver big_observer;
  TrainingTask big;
  big.job_id = "job-big";
  big.min_workers = big.max_workers = 5;
  std::thread big_thread([&] { coordinator_->Train(big, &big_observer, &big_stop).IgnoreError(); });
  Start(1, 1);
  EXPECT_EQ(a->AwaitAssignment().job_id(), "job-1");
  a->SayReport();
  a->SayEnded(v1::WorkRequest::Ended::OUTCOME_DONE);
  EXPECT_TRUE(Finish().ok());
  big_stop.Fire();
  big_thread.join();
}

TEST_F(CoordinatorTest, OtherVersionIsTurnedAway) {
  v1::WorkRequest::Register registration;
  registration.set_worker_id("a");
  registration.set_version("2");
  auto worker = NewWorker();
  const auto session = coordinator_->Register(registration, worker);
  EXPECT_EQ(session.status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace limbeck::gateway
