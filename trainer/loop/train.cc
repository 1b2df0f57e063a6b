#include "trainer/loop/train.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/status.h"
#include "trainer/checkpoints/checkpoint_writer.h"
#include "trainer/loop/validate.h"
#include "trainer/optimiser/adamw.h"
#include "trainer/parallel/step_exchange.h"

namespace limbeck::trainer {
namespace {

class Run {
 public:
  Run(const TrainOptions& options, Student* student, ProcessGroup* group,
      const std::vector<TeacherRow>& validation, const TrainHooks& hooks)
      : options_(options),
        student_(student),
        group_(group),
        validation_(validation),
        hooks_(hooks),
        optimiser_(&student->parameters(), {.weight_decay = options.weight_decay}),
        steps_total_(StepsTotal(options)),
        timer_(options.checkpoints, options.clock, 0),
        writer_([this](const RunState& state) {
          return WriteCheckpoint(options_.checkpoint_directory, state);
        }) {
    position_.seed = options.seed;
    position_.run_hash = options.run_hash;
  }

  absl::StatusOr<std::vector<CurvePoint>> Execute() {
    LIMBECK_RETURN_IF_ERROR(Resume());
    timer_.Saved(position_.step);
    auto reader = hooks_.open_batches(position_.epoch, position_.position);
    while (position_.step < steps_total_) {
      const absl::Status status = NextStep(reader.get());
      if (!status.ok()) {
        SaveAfter(status);
        return status;
      }
    }
    return position_.curve;
  }

 private:
  // Brings every rank to the state of the newest checkpoint in the group.
  absl::Status Resume();
  absl::Status NextStep(BatchReader* reader);
  // Forward, backward, sum over the group, update. Returns the group's totals.
  absl::StatusOr<StepTotals> Step(const RowBatch& batch);
  // Sum of the loss over this rank's rows; sets the student's gradients.
  absl::StatusOr<double> ForwardBackward(const RowBatch& batch);
  absl::Status EndEpoch(TrainEvent* event);
  void Save();
  uint64_t checkpoint_step() const { return std::max(resumed_step_, writer_.saved_step()); }
  void SaveAfter(const absl::Status& status);

  const TrainOptions& options_;
  Student* const student_;
  ProcessGroup* const group_;
  const std::vector<TeacherRow>& validation_;
  const TrainHooks& hooks_;
  AdamW optimiser_;
  const uint64_t steps_total_;
  RunPosition position_;
  CheckpointTimer timer_;
  uint64_t resumed_step_ = 0;    // Of the checkpoint that was loaded.
  uint64_t submitted_step_ = 0;  // Of the last state given to the writer, or loaded.
  // `position_` and the parameters belong together.
  bool whole_step_ = true;
  CheckpointWriter writer_;  // Last, so that it ends before what it uses.
};

absl::Status Run::Resume() {
  auto loaded =
      LoadNewestCheckpoint(options_.checkpoint_directory, options_.run_hash, student_, &optimiser_);
  if (loaded.ok()) {
    position_ = std::move(*loaded);
    resumed_step_ = submitted_step_ = position_.step;
  } else if (!absl::IsNotFound(loaded.status())) {
    return loaded.status();
  }
  if (group_->world_size() == 1) return absl::OkStatus();
  // Equal steps may still differ in bits when groups of other sizes made them.
  const std::string mine = absl::StrCat(
      position_.step, " ", Sha256Hex(EncodeRun(CopyRun(position_, student_, &optimiser_))));
  LIMBECK_ASSIGN_OR_RETURN(const std::vector<std::string> states, group_->AllGather(mine));
  uint32_t source = 0;
  bool all_equal = true;
  for (uint32_t r = 1; r < states.size(); ++r) {
    const auto step = [&states](uint32_t rank) { return std::stoull(states[rank]); };
    if (step(r) > step(source)) source = r;
    all_equal = all_equal && states[r] == states[0];
  }
  if (all_equal) return absl::OkStatus();
  std::string state;
  if (group_->rank() == source) state = EncodeRun(CopyRun(position_, student_, &optimiser_));
  LIMBECK_RETURN_IF_ERROR(group_->Broadcast(source, &state));
  if (group_->rank() == source) return absl::OkStatus();
  LIMBECK_ASSIGN_OR_RETURN(position_, DecodeRun(state, options_.run_hash, student_, &optimiser_));
  return absl::OkStatus();
}

absl::StatusOr<double> Run::ForwardBackward(const RowBatch& batch) {
  const double progress =
      steps_total_ > 1 ? static_cast<double>(position_.step) / static_cast<double>(steps_total_ - 1)
                       : 1.0;
  const ObjectiveSettings settings{.temperature = ValueAt(options_.temperature, progress),
                                   .hard_weight = ValueAt(options_.hard_weight, progress)};
  LIMBECK_ASSIGN_OR_RETURN(const std::vector<float> logits,
                           student_->Forward(*batch.inputs, batch.streams));
  const size_t labels = student_->labels();
  std::vector<float> dlogits(logits.size());
  double loss = 0.0;
  for (size_t b = 0; b < batch.targets.size(); ++b) {
    loss += DistillationLoss(std::span(logits).subspan(b * labels, labels), batch.targets[b],
                             settings, 1.0 / static_cast<double>(batch.global_rows),
                             std::span(dlogits).subspan(b * labels, labels));
  }
  LIMBECK_RETURN_IF_ERROR(student_->Backward(dlogits));
  return loss;
}

absl::StatusOr<StepTotals> Run::Step(const RowBatch& batch) {
  LIMBECK_ASSIGN_OR_RETURN(const double loss, ForwardBackward(batch));
  std::vector<Parameter>& parameters = student_->parameters();
  const StepTotals mine{
      .loss = loss, .rows = batch.targets.size(), .checkpoint = timer_.Due(position_.step + 1)};
  LIMBECK_ASSIGN_OR_RETURN(const StepTotals totals, ExchangeStep(group_, &parameters, mine));
  if (totals.rows != batch.global_rows) {
    return absl::DataLossError(absl::StrCat("workers got ", totals.rows, " of ", batch.global_rows,
                                            " rows of epoch ", batch.epoch, " position ",
                                            batch.position));
  }
  if (!std::isfinite(totals.loss)) {
    return absl::InvalidArgumentError(
        absl::StrCat("training loss is not finite at step ", position_.step,
                     "; lower method.learning_rate or method.max_gradient_norm"));
  }
  ClipGradients(&parameters, options_.max_gradient_norm);
  optimiser_.Step(options_.learning_rate *
                  LearningRateShare(position_.step, steps_total_, options_.warmup_share));
  return totals;
}

absl::Status Run::NextStep(BatchReader* reader) {
  if (hooks_.cancelled != nullptr && hooks_.cancelled->load()) {
    return absl::CancelledError("training was stopped");
  }
  LIMBECK_RETURN_IF_ERROR(writer_.TakeFailure());
  LIMBECK_ASSIGN_OR_RETURN(const RowBatch batch, reader->Next());
  LIMBECK_ASSIGN_OR_RETURN(const StepTotals totals, Step(batch));
  whole_step_ = false;
  ++position_.step;
  position_.loss_sum += totals.loss;
  position_.loss_rows += batch.global_rows;
  position_.epoch = batch.epoch;
  position_.position = batch.position + batch.global_rows;
  TrainEvent event{.step = position_.step,
                   .steps_total = steps_total_,
                   .train_loss = totals.loss / static_cast<double>(batch.global_rows)};
  if (position_.position >= options_.items) {
    ++position_.epoch;
    position_.position = 0;
    LIMBECK_RETURN_IF_ERROR(EndEpoch(&event));
  }
  whole_step_ = true;
  const bool last = position_.step == steps_total_;
  if (totals.checkpoint || last) Save();
  if (last) LIMBECK_RETURN_IF_ERROR(writer_.Finish());
  event.checkpoint_step = checkpoint_step();
  if (hooks_.on_event) hooks_.on_event(event);
  return absl::OkStatus();
}

absl::Status Run::EndEpoch(TrainEvent* event) {
  CurvePoint point{.step = position_.step,
                   .epoch = static_cast<double>(position_.epoch),
                   .train_loss = position_.loss_sum / static_cast<double>(position_.loss_rows)};
  if (group_->rank() == 0) {
    LIMBECK_ASSIGN_OR_RETURN(const ValidationResult result, Validate(student_, validation_));
    point.validation_kl = result.kl;
    point.validation_agreement = result.agreement;
  }
  position_.loss_sum = 0.0;
  position_.loss_rows = 0;
  if (group_->world_size() > 1) {
    // The curve is part of the checkpoint, which any rank may have to provide.
    LIMBECK_RETURN_IF_ERROR(
        group_->BroadcastFixed(0, {reinterpret_cast<char*>(&point), sizeof(point)}));
  }
  position_.curve.push_back(point);
  event->point = point;
  return absl::OkStatus();
}

void Run::Save() {
  writer_.Submit(CopyRun(position_, student_, &optimiser_));
  submitted_step_ = position_.step;
  timer_.Saved(position_.step);
}

void Run::SaveAfter(const absl::Status& status) {
  if (!absl::IsCancelled(status) && !absl::IsUnavailable(status)) return;
  if (whole_step_ && position_.step != submitted_step_) Save();
  const absl::Status saved = writer_.Finish();
  if (!saved.ok()) {
    LIMBECK_LOG(WARNING) << "after an interruption: " << saved.ToString();
  }
}

}  // namespace

uint64_t StepsTotal(const TrainOptions& options) {
  return (options.items + options.global_batch - 1) / options.global_batch * options.epochs;
}

absl::StatusOr<std::vector<CurvePoint>> Train(const TrainOptions& options, Student* student,
                                              ProcessGroup* group,
                                              const std::vector<TeacherRow>& validation,
                                              const TrainHooks& hooks) {
  if (options.items == 0) return absl::InvalidArgumentError("the training snapshot has no rows");
  return Run(options, student, group, validation, hooks).Execute();
}

}  // namespace limbeck::trainer
