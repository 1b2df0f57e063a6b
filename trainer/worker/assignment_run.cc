#include "trainer/worker/assignment_run.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/status.h"
#include "trainer/export/student_folder.h"
#include "trainer/worker/held_out.h"
#include "trainer/worker/student_config.h"

namespace limbeck::trainer {
namespace {

// Progress that is no epoch's end goes out at most this often.
constexpr absl::Duration kProgressInterval = absl::Milliseconds(500);
constexpr size_t kChunkBytes = 1 << 20;
// Members of a group need the same time for the same work; what differs is when they start.
constexpr absl::Duration kMinCollectiveTimeout = absl::Seconds(5);

absl::Duration CollectiveTimeout(const v1::WorkResponse::Assignment& assignment) {
  return std::max(kMinCollectiveTimeout, absl::Seconds(assignment.collective_timeout_seconds()));
}

}  // namespace

AssignmentRun::AssignmentRun(v1::WorkResponse::Assignment assignment, WorkerSettings settings,
                             cache::CacheClient* client, Send send, Clock* clock)
    : assignment_(std::move(assignment)),
      settings_(std::move(settings)),
      send_(std::move(send)),
      clock_(clock),
      streams_(client) {
  options_ = MakeTrainOptions(assignment_, CheckpointDirectory());
  options_.checkpoints.min_interval = settings_.checkpoint_min_interval;
  options_.checkpoints.max_interval = settings_.checkpoint_max_interval;
  options_.clock = clock_;
  steps_total_ = StepsTotal(options_);
}

std::filesystem::path AssignmentRun::CheckpointDirectory() const {
  // A job's id comes from the coordinator; hashing it leaves no path in it to follow.
  return settings_.work_dir / "checkpoints" / Sha256Hex(assignment_.job_id()).substr(0, 32);
}

void AssignmentRun::OnRendezvous(const std::string& address) {
  absl::MutexLock lock(&mu_);
  rendezvous_ = address;
}

void AssignmentRun::OnReportStored() {
  absl::MutexLock lock(&mu_);
  report_stored_ = true;
}

void AssignmentRun::Cancel() {
  cancelled_ = true;
  {
    absl::MutexLock lock(&mu_);
    stopped_ = true;
  }
  streams_.Cancel();
}

absl::Status AssignmentRun::Execute() {
  LIMBECK_ASSIGN_OR_RETURN(decoder_, MakeRowDecoder(assignment_.spec()));
  LIMBECK_ASSIGN_OR_RETURN(const std::unique_ptr<Student> student,
                           CreateStudent(StudentConfigJson(assignment_.spec()), options_.seed));
  std::vector<CurvePoint> curve;
  {
    LIMBECK_ASSIGN_OR_RETURN(const std::unique_ptr<ProcessGroup> group, Join());
    LIMBECK_ASSIGN_OR_RETURN(curve, TrainStudent(group.get(), student.get()));
  }
  if (assignment_.rank() == 0) {
    SendPhase(v1::PHASE_KIND_EVALUATE);
    LIMBECK_ASSIGN_OR_RETURN(const v1::AcceptanceReport report, Evaluate(student.get(), curve));
    SendPhase(v1::PHASE_KIND_EXPORT);
    LIMBECK_RETURN_IF_ERROR(Deliver(student.get(), report));
  }
  // Until then this worker's checkpoint may be the only one left.
  LIMBECK_RETURN_IF_ERROR(AwaitReportStored());
  std::error_code ignored;
  std::filesystem::remove_all(CheckpointDirectory(), ignored);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<ProcessGroup>> AssignmentRun::Join() {
  GroupOptions options{.rank = assignment_.rank(),
                       .world_size = assignment_.world_size(),
                       .host = settings_.host,
                       .timeout = CollectiveTimeout(assignment_)};
  if (options.world_size <= 1) return JoinGroup(options, nullptr);
  if (options.rank == 0) {
    LIMBECK_ASSIGN_OR_RETURN(store_, RendezvousStore::Serve(settings_.host, options.timeout));
    v1::WorkRequest ready;
    ready.mutable_rendezvous_ready()->set_generation(assignment_.generation());
    ready.mutable_rendezvous_ready()->set_address(store_->address());
    LIMBECK_RETURN_IF_ERROR(SendOrUnavailable(ready));
  }
  {
    absl::MutexLock lock(&mu_);
    const auto known = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return stopped_ || !rendezvous_.empty();
    };
    if (!mu_.AwaitWithTimeout(absl::Condition(&known), options.timeout)) {
      return absl::UnavailableError("rank 0 named no rendezvous store in time");
    }
    if (stopped_) return absl::CancelledError("stopped before the group met");
    options.store_address = rendezvous_;
  }
  return JoinGroup(options, store_.get());
}

absl::StatusOr<std::vector<TeacherRow>> AssignmentRun::ReadRows(const std::string& snapshot_id) {
  const OpenStream open = [this, &snapshot_id](uint32_t epoch, uint64_t position) {
    return streams_.Open(cache::StreamOptions{
        .snapshot_id = snapshot_id, .epoch = epoch, .position = position, .sequential = true});
  };
  return ReadAllRows(*decoder_, open, {.clock = clock_}, [this] { return cancelled_.load(); });
}

std::unique_ptr<BatchReader> AssignmentRun::OpenBatches(Student* student, uint32_t epoch,
                                                        uint64_t position) {
  const BatchOptions batches{
      .items = options_.items,
      .global_batch = options_.global_batch,
      .rank = assignment_.rank(),
      .world_size = assignment_.world_size(),
      .epochs = options_.epochs,
      .epoch = epoch,
      .position = position,
      .gold_hard_labels = assignment_.spec().method().hard_labels() == v1::HARD_LABEL_SOURCE_GOLD};
  const OpenStream open = [this, batches](uint32_t e, uint64_t p) {
    return streams_.Open(cache::StreamOptions{.snapshot_id = assignment_.train_snapshot_id(),
                                              .seed = options_.seed,
                                              .epoch = e,
                                              .position = p,
                                              .global_batch = batches.global_batch,
                                              .rank = batches.rank,
                                              .world_size = batches.world_size,
                                              .epochs = batches.epochs - e});
  };
  return std::make_unique<BatchReader>(
      batches, &*decoder_, open,
      [student](std::span<const std::string> texts) { return student->Prepare(texts); },
      ReopenPolicy{.clock = clock_});
}

absl::StatusOr<std::vector<CurvePoint>> AssignmentRun::TrainStudent(ProcessGroup* group,
                                                                    Student* student) {
  std::vector<TeacherRow> validation;
  if (assignment_.rank() == 0 && !assignment_.validation_snapshot_id().empty()) {
    LIMBECK_ASSIGN_OR_RETURN(validation, ReadRows(assignment_.validation_snapshot_id()));
  }
  TrainHooks hooks;
  hooks.cancelled = &cancelled_;
  hooks.open_batches = [this, student](uint32_t epoch, uint64_t position) {
    return OpenBatches(student, epoch, position);
  };
  hooks.on_event = [this](const TrainEvent& event) { OnTrainEvent(event); };
  return Train(options_, student, group, validation, hooks);
}

void AssignmentRun::OnTrainEvent(const TrainEvent& event) {
  if (assignment_.rank() != 0) return;
  loss_sum_ += event.train_loss;
  ++loss_steps_;
  const SteadyTime now = clock_->Now();
  const bool last = event.step == event.steps_total;
  if (!event.point.has_value() && !last && now - last_progress_ < kProgressInterval) return;
  last_progress_ = now;
  v1::WorkRequest message;
  v1::WorkRequest::TrainProgress* progress = message.mutable_progress();
  progress->set_generation(assignment_.generation());
  progress->set_phase(v1::PHASE_KIND_TRAIN);
  progress->set_step(event.step);
  progress->set_steps_total(event.steps_total);
  progress->set_train_loss(loss_sum_ / static_cast<double>(loss_steps_));
  progress->set_checkpoint_step(event.checkpoint_step);
  if (event.point.has_value()) *progress->mutable_point() = ToLearningPoint(*event.point);
  loss_sum_ = 0.0;
  loss_steps_ = 0;
  // A stream that is gone cancels the run by another way.
  send_(message);
}

void AssignmentRun::SendPhase(v1::PhaseKind phase) {
  v1::WorkRequest message;
  v1::WorkRequest::TrainProgress* progress = message.mutable_progress();
  progress->set_generation(assignment_.generation());
  progress->set_phase(phase);
  progress->set_step(steps_total_);
  progress->set_steps_total(steps_total_);
  progress->set_checkpoint_step(steps_total_);
  send_(message);
}

absl::StatusOr<v1::AcceptanceReport> AssignmentRun::Evaluate(Student* student,
                                                             const std::vector<CurvePoint>& curve) {
  LIMBECK_ASSIGN_OR_RETURN(const std::vector<TeacherRow> rows,
                           ReadRows(assignment_.held_out_snapshot_id()));
  return EvaluateHeldOut(assignment_, settings_.threads, curve, rows, student, clock_);
}

absl::Status AssignmentRun::Deliver(Student* student, const v1::AcceptanceReport& report) {
  LIMBECK_ASSIGN_OR_RETURN(const auto files,
                           StudentFiles(student, LabelNames(assignment_.spec()), report));
  for (const auto& [name, content] : files) {
    LIMBECK_RETURN_IF_ERROR(SendFile(name, content));
  }
  v1::WorkRequest message;
  message.mutable_report()->set_generation(assignment_.generation());
  *message.mutable_report()->mutable_report() = report;
  return SendOrUnavailable(message);
}

absl::Status AssignmentRun::SendFile(const std::string& name, const std::string& content) {
  for (size_t offset = 0;;) {
    v1::WorkRequest message;
    message.mutable_artifact()->set_generation(assignment_.generation());
    v1::ArtifactChunk* chunk = message.mutable_artifact()->mutable_chunk();
    chunk->set_name(name);
    chunk->set_offset(offset);
    chunk->set_data(content.substr(offset, kChunkBytes));
    offset += chunk->data().size();
    if (offset == content.size()) {
      chunk->set_last(true);
      chunk->set_sha256(Sha256(content));
    }
    LIMBECK_RETURN_IF_ERROR(SendOrUnavailable(message));
    if (offset == content.size()) return absl::OkStatus();
  }
}

absl::Status AssignmentRun::SendOrUnavailable(const v1::WorkRequest& message) {
  if (send_(message)) return absl::OkStatus();
  return absl::UnavailableError("the coordinator's stream is gone");
}

absl::Status AssignmentRun::AwaitReportStored() {
  absl::MutexLock lock(&mu_);
  const auto over = [this]()
                        ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return stopped_ || report_stored_; };
  mu_.Await(absl::Condition(&over));
  if (report_stored_) return absl::OkStatus();
  return absl::CancelledError("stopped before the report was stored");
}

}  // namespace limbeck::trainer
