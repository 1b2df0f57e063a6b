// Checkpoints: what a run needs to go on exactly where it was.
//
//   DIR/step-000000000150/model.safetensors
//                         optimizer.safetensors
//                         manifest.json          last; names the hashes of the others
//
// A checkpoint is written beside its final name, synced, then renamed; one of the same step that is
// there already is exchanged with it. After any crash a folder named step-… is whole or fails its
// hashes, and an older one is there until a newer one is durable.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "trainer/optimiser/adamw.h"
#include "trainer/students/student.h"

namespace limbeck::trainer {

// One point of the learning curve; as LearningPoint in report.proto.
struct CurvePoint {
  uint64_t step = 0;
  double epoch = 0.0;
  double train_loss = 0.0;
  double validation_kl = 0.0;
  double validation_agreement = 0.0;

  friend bool operator==(const CurvePoint&, const CurvePoint&) = default;
};

// Position of a run. The random numbers of data order, dropout and noise are functions of
// (seed, epoch, position), so the cursor is their whole state.
struct RunPosition {
  uint64_t step = 0;      // Optimiser steps done.
  uint32_t epoch = 0;     // Epoch of the next item.
  uint64_t position = 0;  // Next item within the epoch, over all workers.
  uint64_t seed = 0;
  // Hash of everything that must stay equal for the run to go on: spec, snapshots, student.
  std::string run_hash;
  // Sum of the loss, and its rows, since the last point of the curve.
  double loss_sum = 0.0;
  uint64_t loss_rows = 0;
  std::vector<CurvePoint> curve;
};

// Whole checkpoints kept per run; older ones are deleted after a newer one is durable.
inline constexpr size_t kCheckpointsKept = 2;

// A copy of all that a checkpoint holds, apart from the live student and optimiser.
struct RunState {
  RunPosition position;
  std::string model;      // Safetensors, as EncodeModel.
  std::string optimiser;  // Safetensors, both moments of each parameter.
};

// Copies the tensors once and computes nothing: cheap enough for the training thread.
RunState CopyRun(const RunPosition& position, Student* student, AdamW* optimiser);

// Writes a checkpoint durably and deletes old ones. One writer a directory at a time.
absl::Status WriteCheckpoint(const std::filesystem::path& directory, const RunState& state);

// Loads the newest whole checkpoint with `run_hash` into student and optimiser, and returns its
// position. Damaged ones and those of another run are passed over. NOT_FOUND where none is left.
absl::StatusOr<RunPosition> LoadNewestCheckpoint(const std::filesystem::path& directory,
                                                 std::string_view run_hash, Student* student,
                                                 AdamW* optimiser);

// The same as one string, to hand to ranks that are behind, and back.
std::string EncodeRun(const RunState& state);
absl::StatusOr<RunPosition> DecodeRun(std::string_view bytes, std::string_view run_hash,
                                      Student* student, AdamW* optimiser);

// The student's parameters as one safetensors file, and back. FAILED_PRECONDITION names a tensor
// that is missing or has another shape.
std::string EncodeModel(Student* student);
absl::Status DecodeModel(std::string_view file, Student* student);

}  // namespace limbeck::trainer
