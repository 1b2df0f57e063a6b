// The training loop: steps, validation, checkpoints, resumption. Free of torch and of gRPC.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "trainer/checkpoints/cadence.h"
#include "trainer/checkpoints/checkpoint.h"
#include "trainer/data/batch_reader.h"
#include "trainer/parallel/process_group.h"
#include "trainer/schedules/schedule.h"
#include "trainer/students/student.h"

namespace limbeck::trainer {

// Method of objective.proto with defaults filled in, and what the run is made of.
struct TrainOptions {
  Schedule temperature{5.0, 1.0};
  Schedule hard_weight{0.7, 0.3};
  uint32_t epochs = 20;
  uint32_t global_batch = 64;
  double learning_rate = 0.01;
  double weight_decay = 0.01;
  double warmup_share = 0.05;
  double max_gradient_norm = 1.0;
  uint64_t seed = 1;
  // Rank 0's counts for the whole group. The last step, and the last whole one of a run that is
  // stopped or loses a peer, are saved in any case.
  CheckpointCadence checkpoints;
  uint64_t items = 0;  // Of the training snapshot.
  // Equal in all processes that may go on with this run; see RunPosition.
  std::string run_hash;
  // Of this worker and this job.
  std::filesystem::path checkpoint_directory;
  Clock* clock = Clock::Real();  // Outlives the run.
};

struct TrainEvent {
  uint64_t step = 0;
  uint64_t steps_total = 0;
  double train_loss = 0.0;          // Mean since the event before.
  std::optional<CurvePoint> point;  // Set when an epoch ended.
  uint64_t checkpoint_step = 0;     // Newest durable checkpoint.
};

struct TrainHooks {
  // Makes the reader that starts at (epoch, position).
  std::function<std::unique_ptr<BatchReader>(uint32_t epoch, uint64_t position)> open_batches;
  // Called on the training thread after every step; must not block. May be empty.
  std::function<void(const TrainEvent&)> on_event;
  // Polled between steps.
  const std::atomic<bool>* cancelled = nullptr;
};

// ⌈items / global_batch⌉ · epochs.
uint64_t StepsTotal(const TrainOptions& options);

// Trains `student` to the end of its last epoch, from the newest checkpoint of any rank where there
// is one: a run that was interrupted and goes on in a group of the same size ends with the same
// bits as one that was not. The loss is Σ over the global batch / its rows, so the size of the
// group changes the result by rounding only. `validation` is used by rank 0 at each epoch's end.
// Returns the learning curve. CANCELLED after `cancelled`, UNAVAILABLE when a peer or the cache is
// lost; both leave a checkpoint of the last whole step. A checkpoint that cannot be written ends
// the run with that error at the next step. INVALID_ARGUMENT and DATA_LOSS: the run cannot succeed.
// Checkpoints are written beside training; none is under way once this returns.
absl::StatusOr<std::vector<CurvePoint>> Train(const TrainOptions& options, Student* student,
                                              ProcessGroup* group,
                                              const std::vector<TeacherRow>& validation,
                                              const TrainHooks& hooks);

}  // namespace limbeck::trainer
