#include "trainer/loop/validate.h"

#include <algorithm>

#include "base/status.h"
#include "trainer/objectives/distillation_loss.h"

namespace limbeck::trainer {

absl::StatusOr<Inference> InferProbabilities(Student* student, std::span<const std::string> texts) {
  Inference result;
  for (size_t begin = 0; begin < texts.size(); begin += kInferenceBatch) {
    const auto part = texts.subspan(begin, std::min(kInferenceBatch, texts.size() - begin));
    const auto batch = student->Prepare(part);
    result.cut_texts += batch->cut_texts();
    LIMBECK_ASSIGN_OR_RETURN(const std::vector<float> logits, student->Infer(*batch));
    for (size_t b = 0; b < part.size(); ++b) {
      result.probabilities.push_back(
          Softmax(std::span(logits).subspan(b * student->labels(), student->labels()), 1.0));
    }
  }
  return result;
}

absl::StatusOr<ValidationResult> Validate(Student* student, const std::vector<TeacherRow>& rows) {
  ValidationResult result;
  if (rows.empty()) return result;
  std::vector<std::string> texts;
  for (const TeacherRow& row : rows) texts.push_back(row.text);
  LIMBECK_ASSIGN_OR_RETURN(const Inference inference, InferProbabilities(student, texts));
  for (size_t i = 0; i < rows.size(); ++i) {
    std::vector<double> q = inference.probabilities[i];
    const auto best = std::max_element(q.begin(), q.end()) - q.begin();
    result.agreement += static_cast<size_t>(best) == rows[i].teacher.Best() ? 1.0 : 0.0;
    // A probability that underflowed would make one row's divergence infinite.
    for (double& value : q) value = std::max(value, 1e-30);
    result.kl += KlDivergence(Soften(rows[i].teacher.probabilities, 1.0), q);
  }
  result.kl /= static_cast<double>(rows.size());
  result.agreement /= static_cast<double>(rows.size());
  return result;
}

}  // namespace limbeck::trainer
