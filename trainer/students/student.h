// A student: the model being trained. Free of torch, so that loop, checkpoints and evaluation do
// not depend on how a student computes.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace limbeck::trainer {

// A named tensor of the student and the gradient of the last Backward. Values are owned by the
// student and stay where they are for its life.
struct Parameter {
  std::string name;
  std::vector<int64_t> shape;  // Row-major.
  std::span<float> values;
  // Takes weight decay.
  bool decay = false;
  // A table of which a batch touches few rows: `gradient` holds only `rows`, one after another.
  bool row_sparse = false;
  std::vector<uint32_t> rows;   // Ascending, distinct; row_sparse only.
  std::vector<float> gradient;  // values.size(), or rows.size() × RowWidth().

  size_t RowWidth() const { return shape.empty() || shape[0] == 0 ? 0 : values.size() / shape[0]; }
};

// Texts turned into what the student's arithmetic needs; made off the training thread.
class PreparedBatch {
 public:
  virtual ~PreparedBatch() = default;
  virtual size_t size() const = 0;
  // Texts longer than the student reads.
  virtual size_t cut_texts() const { return 0; }
};

// Prepare is thread-safe and may run beside all else; the rest belongs to one thread at a time.
// Equal configuration, seed, batches and gradients give equal bits on one machine.
class Student {
 public:
  virtual ~Student() = default;

  // "ngram" or "encoder".
  virtual std::string_view kind() const = 0;
  // Everything that CreateStudent needs to make the same architecture again, as a JSON object.
  virtual std::string ConfigJson() const = 0;
  virtual size_t labels() const = 0;
  virtual std::vector<Parameter>& parameters() = 0;

  virtual std::unique_ptr<PreparedBatch> Prepare(std::span<const std::string> texts) const = 0;

  // Logits_BL for inference: no dropout, no gradient, parameters unchanged.
  virtual absl::StatusOr<std::vector<float>> Infer(const PreparedBatch& batch) = 0;
  // Logits_BL for training. `streams` has one number per text that names its random stream, so
  // that dropout does not depend on which worker got the row. `batch` must live until Backward.
  virtual absl::StatusOr<std::vector<float>> Forward(const PreparedBatch& batch,
                                                     std::span<const uint64_t> streams) = 0;
  // Sets the parameters' gradients from d loss / d logits_BL of the last Forward. An empty batch
  // gives zero gradients.
  virtual absl::Status Backward(std::span<const float> dlogits) = 0;

  // Trainable numbers.
  uint64_t ParameterCount();
};

// Kinds that CreateStudent knows.
std::vector<std::string> StudentKinds();

// Makes a student with fresh weights from a configuration {"kind": …, "labels": …, …}; what is
// absent takes the default of proto/limbeck/v1/job.proto. INVALID_ARGUMENT names the field, the
// allowed range and the value found.
absl::StatusOr<std::unique_ptr<Student>> CreateStudent(std::string_view config_json, uint64_t seed);

}  // namespace limbeck::trainer
