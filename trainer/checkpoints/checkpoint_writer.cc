#include "trainer/checkpoints/checkpoint_writer.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace limbeck::trainer {

CheckpointWriter::CheckpointWriter(Write write)
    : write_(std::move(write)), queue_(kWaitingCheckpoints), thread_([this] { Run(); }) {}

CheckpointWriter::~CheckpointWriter() {
  queue_.Close();
  thread_.join();
}

void CheckpointWriter::Run() {
  while (const std::optional<RunState> state = queue_.Pop()) {
    const uint64_t step = state->position.step;
    const absl::Status status = write_(*state);
    absl::MutexLock lock(&mu_);
    --unwritten_;
    if (status.ok()) {
      saved_step_ = step;
    } else if (failure_.ok()) {
      failure_ = Annotate(status, absl::StrCat("checkpoint of step ", step));
    }
  }
}

void CheckpointWriter::Submit(RunState state) {
  {
    absl::MutexLock lock(&mu_);
    ++unwritten_;
  }
  queue_.Push(std::move(state));
}

absl::Status CheckpointWriter::TakeFailure() {
  absl::MutexLock lock(&mu_);
  return std::exchange(failure_, absl::OkStatus());
}

absl::Status CheckpointWriter::Finish() {
  {
    absl::MutexLock lock(&mu_);
    const auto written = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return unwritten_ == 0; };
    mu_.Await(absl::Condition(&written));
  }
  return TakeFailure();
}

uint64_t CheckpointWriter::saved_step() const {
  absl::MutexLock lock(&mu_);
  return saved_step_;
}

}  // namespace limbeck::trainer
