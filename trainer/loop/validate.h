// Student against teacher on rows that are in memory.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "trainer/data/teacher_row.h"
#include "trainer/students/student.h"

namespace limbeck::trainer {

// Texts in one forward pass outside training.
inline constexpr size_t kInferenceBatch = 256;

struct Inference {
  std::vector<std::vector<double>> probabilities;  // Softmax of the student, per row.
  size_t cut_texts = 0;
};

// The student's probabilities for `texts`, in batches.
absl::StatusOr<Inference> InferProbabilities(Student* student, std::span<const std::string> texts);

struct ValidationResult {
  double kl = 0.0;         // Mean KL(teacher ‖ student) at T = 1, nats.
  double agreement = 0.0;  // Share of rows with the same choice.
};

// Zeros without rows.
absl::StatusOr<ValidationResult> Validate(Student* student, const std::vector<TeacherRow>& rows);

}  // namespace limbeck::trainer
