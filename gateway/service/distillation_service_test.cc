#include "gateway/service/distillation_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "base/error_details.h"
#include "base/hash.h"
#include "gateway/service/service_test_node.h"

namespace limbeck::gateway {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

using Stub = v1::DistillationService::Stub;

constexpr const char* kRows =
    "{\"text\": \"a fine day\", \"label\": \"good\"}\n"
    "{\"text\": \"a grim day\", \"label\": \"bad\"}\n";

class DistillationServiceTest : public ::testing::Test {
 protected:
  explicit DistillationServiceTest(DistillationServiceOptions options = {}) : node_(options) {}

  v1::JobSpec Spec() {
    v1::JobSpec spec;
    const auto dataset = Upload(node_.channel(), kRows, Sha256Hex(kRows));
    EXPECT_TRUE(dataset.ok()) << dataset.status();
    spec.mutable_data()->mutable_train()->set_id(dataset->id());
    spec.mutable_data()->mutable_prompt()->set_user("Label: {{ text }}");
    spec.add_teachers()->set_teacher("open");
    spec.mutable_task()->mutable_classify()->add_labels()->set_name("good");
    spec.mutable_task()->mutable_classify()->add_labels()->set_name("bad");
    spec.mutable_budget()->set_ceiling_micro_usd(1'000'000);
    return spec;
  }

  absl::StatusOr<v1::DistillationJob> Create(const v1::JobSpec& spec,
                                             const std::string& request_id) {
    v1::CreateDistillationJobRequest request;
    *request.mutable_spec() = spec;
    request.set_request_id(request_id);
    v1::DistillationJob job;
    const absl::Status status = Call(*stub_, &Stub::CreateDistillationJob, request, &job);
    if (!status.ok()) return status;
    return job;
  }

  // A stored job's id.
  std::string NewJob(const std::string& request_id = "request") {
    const auto job = Create(Spec(), request_id);
    EXPECT_TRUE(job.ok()) << job.status();
    return job.ok() ? job->id() : "";
  }

  void Move(const std::string& id, v1::JobState state) {
    const auto job = node_.jobs().Move(id, state);
    EXPECT_TRUE(job.ok()) << job.status();
  }

  struct Watched {
    std::vector<v1::JobEvent> events;
    absl::Status status;
  };
  // Watches to the end; `after_first` runs when the first event is there.
  Watched Watch(const std::string& id, uint64_t cursor,
                const std::function<void(grpc::ClientContext*)>& after_first = nullptr) {
    grpc::ClientContext context;
    v1::WatchDistillationJobRequest request;
    request.set_id(id);
    request.set_cursor(cursor);
    const auto reader = stub_->WatchDistillationJob(&context, request);
    Watched watched;
    v1::JobEvent event;
    while (reader->Read(&event)) {
      watched.events.push_back(event);
      if (watched.events.size() == 1 && after_first != nullptr) after_first(&context);
    }
    watched.status = rpc::FromGrpc(reader->Finish());
    return watched;
  }

  ServiceTestNode node_;
  const std::unique_ptr<Stub> stub_ = v1::DistillationService::NewStub(node_.channel());
};

TEST_F(DistillationServiceTest, EveryFaultOfASpecIsReportedAtOnce) {
  v1::JobSpec spec = Spec();
  spec.mutable_data()->mutable_prompt()->clear_user();
  spec.mutable_teachers(0)->set_teacher("nobody");
  spec.mutable_task()->mutable_classify()->mutable_labels()->RemoveLast();
  spec.mutable_acceptance()->set_metric("beauty");
  const auto job = Create(spec, "r");
  EXPECT_EQ(job.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(GetReason(job.status())->reason, "SPEC_INVALID");
  std::vector<std::string> fields;
  for (const FieldViolation& fault : GetFieldViolations(job.status())) {
    fields.push_back(fault.field);
  }
  EXPECT_THAT(fields,
              IsSupersetOf({HasSubstr("data.prompt.user"), HasSubstr("teachers[0].teacher"),
                            HasSubstr("task.classify.labels"), HasSubstr("acceptance.metric")}));
}

TEST_F(DistillationServiceTest, TeacherWithoutPermissionIsRefusedWithTheReason) {
  v1::JobSpec spec = Spec();
  spec.mutable_teachers(0)->set_teacher("closed");
  const auto job = Create(spec, "r");
  EXPECT_EQ(job.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(GetReason(job.status())->reason, "TEACHER_FORBIDS_TRAINING");
}

TEST_F(DistillationServiceTest, SameRequestIdIsTheSameJob) {
  const v1::JobSpec spec = Spec();
  const auto first = Create(spec, "once");
  const auto again = Create(spec, "once");
  const auto other = Create(spec, "twice");
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_TRUE(again.ok()) << again.status();
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_EQ(again->id(), first->id());
  EXPECT_NE(other->id(), first->id());
  v1::ListDistillationJobsResponse list;
  ASSERT_TRUE(Call(*stub_, &Stub::ListDistillationJobs, {}, &list).ok());
  EXPECT_EQ(list.jobs_size(), 2);
}

TEST_F(DistillationServiceTest, CreateWithoutRequestIdIsRefused) {
  const auto job = Create(Spec(), "");
  ASSERT_EQ(job.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(GetFieldViolations(job.status()).at(0).field, "request_id");
  EXPECT_EQ(Create(Spec(), std::string(101, 'r')).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(DistillationServiceTest, UnknownJobIsNotFoundEverywhere) {
  const auto expect_not_found = [&](auto method, auto request, auto response) {
    request.set_id("job-0000000000000000");
    const absl::Status status = Call(*stub_, method, request, &response);
    EXPECT_TRUE(absl::IsNotFound(status)) << status;
    EXPECT_THAT(std::string(ToStd(status.message())), HasSubstr("job-0000000000000000"));
  };
  v1::UpdateDistillationJobRequest update;
  update.set_ceiling_micro_usd(1);
  const v1::DistillationJob job;
  expect_not_found(&Stub::GetDistillationJob, v1::GetDistillationJobRequest(), job);
  expect_not_found(&Stub::UpdateDistillationJob, update, job);
  expect_not_found(&Stub::PauseDistillationJob, v1::PauseDistillationJobRequest(), job);
  expect_not_found(&Stub::ResumeDistillationJob, v1::ResumeDistillationJobRequest(), job);
  expect_not_found(&Stub::CancelDistillationJob, v1::CancelDistillationJobRequest(), job);
  expect_not_found(&Stub::ListRejections, v1::ListRejectionsRequest(),
                   v1::ListRejectionsResponse());
  expect_not_found(&Stub::GetAcceptanceReport, v1::GetAcceptanceReportRequest(),
                   v1::AcceptanceReport());
  EXPECT_TRUE(absl::IsNotFound(Watch("job-0000000000000000", 0).status));
}

TEST_F(DistillationServiceTest, InvoicesOfNothingKnownAreRefusedByName) {
  const auto ask = [&](const v1::GetInvoiceRequest& request) {
    grpc::ClientContext context;
    const auto reader = stub_->GetInvoice(&context, request);
    v1::GetInvoiceResponse part;
    EXPECT_FALSE(reader->Read(&part));
    return rpc::FromGrpc(reader->Finish());
  };
  v1::GetInvoiceRequest request;
  EXPECT_EQ(GetFieldViolations(ask(request)).at(0).field, "of");
  request.set_job_id("job-0000000000000000");
  EXPECT_TRUE(absl::IsNotFound(ask(request)));
  request.mutable_team()->set_name("other");
  EXPECT_TRUE(absl::IsNotFound(ask(request)));
  EXPECT_THAT(std::string(ToStd(ask(request).message())), HasSubstr("its own is \"default\""));
  request.mutable_team()->set_name("default");
  request.mutable_team()->set_month("2026-13");
  EXPECT_EQ(GetFieldViolations(ask(request)).at(0).field, "team.month");
}

TEST_F(DistillationServiceTest, WrongTransitionIsAFailedPrecondition) {
  v1::ResumeDistillationJobRequest request;
  request.set_id(NewJob());
  Move(request.id(), v1::JOB_STATE_RUNNING);
  v1::DistillationJob job;
  EXPECT_EQ(Call(*stub_, &Stub::ResumeDistillationJob, request, &job).code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(DistillationServiceTest, WatchGoesOnAfterACursorAndEndsWithTheJob) {
  const std::string id = NewJob();
  const Watched all = Watch(id, 0, [&](grpc::ClientContext*) {
    Move(id, v1::JOB_STATE_RUNNING);
    Move(id, v1::JOB_STATE_SUCCEEDED);
  });
  EXPECT_TRUE(all.status.ok()) << all.status;
  ASSERT_GE(all.events.size(), 3u);
  EXPECT_EQ(all.events.back().job().state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_FALSE(all.events.back().job().has_spec());

  const Watched rest = Watch(id, all.events[0].cursor());
  EXPECT_TRUE(rest.status.ok()) << rest.status;
  ASSERT_EQ(rest.events.size(), all.events.size() - 1);
  EXPECT_EQ(rest.events[0].SerializeAsString(), all.events[1].SerializeAsString());

  const Watched nothing = Watch(id, all.events.back().cursor());
  EXPECT_TRUE(nothing.status.ok()) << nothing.status;
  EXPECT_TRUE(nothing.events.empty());
}

TEST_F(DistillationServiceTest, WatchEndsWhenTheServerStops) {
  const std::string id = NewJob();
  std::thread stopper;
  const Watched watched = Watch(id, 0, [&](grpc::ClientContext*) {
    stopper = std::thread([&] { node_.node().Shutdown(absl::Seconds(30)); });
  });
  stopper.join();
  EXPECT_TRUE(absl::IsUnavailable(watched.status)) << watched.status;
  EXPECT_THAT(std::string(ToStd(watched.status.message())), HasSubstr("cursor"));
}

class OneWatchTest : public DistillationServiceTest {
 protected:
  OneWatchTest()
      : DistillationServiceTest([] {
          DistillationServiceOptions options;
          options.max_watches = 1;
          options.watch_poll = absl::Milliseconds(5);
          return options;
        }()) {}
};

TEST_F(OneWatchTest, WatchGivesItsPlaceBackWhenTheClientGoes) {
  const std::string id = NewJob();
  const Watched first = Watch(id, 0, [&](grpc::ClientContext* context) {
    EXPECT_EQ(Watch(id, 0).status.code(), absl::StatusCode::kResourceExhausted);
    context->TryCancel();
  });
  EXPECT_TRUE(absl::IsCancelled(first.status)) << first.status;
  Move(id, v1::JOB_STATE_RUNNING);
  Move(id, v1::JOB_STATE_FAILED);
  // The server hears of the cancellation a little later.
  absl::Status status = absl::ResourceExhaustedError("");
  while (status.code() == absl::StatusCode::kResourceExhausted) status = Watch(id, 0).status;
  EXPECT_TRUE(status.ok()) << status;
}

TEST_F(DistillationServiceTest, RejectionsComeInPages) {
  const std::string id = NewJob();
  for (uint64_t row : {3, 1, 2}) {
    v1::Rejection rejection;
    rejection.set_row(row);
    rejection.set_dataset("train");
    rejection.set_reason("NO_LABEL");
    ASSERT_TRUE(node_.jobs().context().store->AddRejection(id, {"train", row, 0}, rejection).ok());
  }
  v1::ListRejectionsRequest request;
  request.set_id(id);
  request.set_page_size(2);
  v1::ListRejectionsResponse page;
  ASSERT_TRUE(Call(*stub_, &Stub::ListRejections, request, &page).ok());
  ASSERT_EQ(page.rejections_size(), 2);
  EXPECT_EQ(page.rejections(0).row(), 1u);
  request.set_page_token(page.next_page_token());
  ASSERT_TRUE(Call(*stub_, &Stub::ListRejections, request, &page).ok());
  ASSERT_EQ(page.rejections_size(), 1);
  EXPECT_EQ(page.rejections(0).row(), 3u);
  EXPECT_EQ(page.next_page_token(), "");
}

TEST_F(DistillationServiceTest, ReportIsThereOnceTheJobHasSucceeded) {
  v1::GetAcceptanceReportRequest request;
  request.set_id(NewJob());
  v1::AcceptanceReport report;
  EXPECT_EQ(Call(*stub_, &Stub::GetAcceptanceReport, request, &report).code(),
            absl::StatusCode::kFailedPrecondition);
  v1::AcceptanceReport stored;
  stored.set_job_id(request.id());
  stored.set_verdict(v1::VERDICT_ACCEPT);
  ASSERT_TRUE(node_.jobs().context().store->PutReport(request.id(), stored).ok());
  ASSERT_TRUE(Call(*stub_, &Stub::GetAcceptanceReport, request, &report).ok());
  EXPECT_EQ(report.verdict(), v1::VERDICT_ACCEPT);
}

TEST_F(DistillationServiceTest, StudentComesInPiecesWithItsHash) {
  const std::string id = NewJob();
  const std::string content(2'500'000, 'w');
  auto intake = node_.jobs().context().artifacts->Begin(id);
  ASSERT_TRUE(intake.ok()) << intake.status();
  for (size_t at = 0; at < content.size(); at += 1u << 20) {
    v1::ArtifactChunk chunk;
    chunk.set_name("model.safetensors");
    chunk.set_offset(at);
    chunk.set_data(content.substr(at, 1u << 20));
    chunk.set_last(at + chunk.data().size() == content.size());
    if (chunk.last()) chunk.set_sha256(Sha256(content));
    ASSERT_TRUE((*intake)->Add(chunk).ok());
  }
  ASSERT_TRUE((*intake)->Finish().ok());

  const auto download = [&](std::vector<v1::ArtifactChunk>* chunks) {
    grpc::ClientContext context;
    v1::DownloadStudentRequest request;
    request.set_id(id);
    const auto reader = stub_->DownloadStudent(&context, request);
    v1::ArtifactChunk chunk;
    while (reader->Read(&chunk)) chunks->push_back(chunk);
    return rpc::FromGrpc(reader->Finish());
  };
  std::vector<v1::ArtifactChunk> chunks;
  EXPECT_EQ(download(&chunks).code(), absl::StatusCode::kFailedPrecondition);
  Move(id, v1::JOB_STATE_RUNNING);
  Move(id, v1::JOB_STATE_SUCCEEDED);
  const absl::Status status = download(&chunks);
  ASSERT_TRUE(status.ok()) << status;
  std::string received;
  for (const v1::ArtifactChunk& chunk : chunks) {
    EXPECT_EQ(chunk.offset(), received.size());
    EXPECT_LE(chunk.data().size(), 1u << 20);
    EXPECT_EQ(chunk.last(), &chunk == &chunks.back());
    received += chunk.data();
  }
  EXPECT_EQ(received, content);
  EXPECT_EQ(chunks.back().sha256(), Sha256(content));
}

}  // namespace
}  // namespace limbeck::gateway
