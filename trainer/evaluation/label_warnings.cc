#include "trainer/evaluation/label_warnings.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace limbeck::trainer {
namespace {

constexpr double kNotableBound = 0.01;

}  // namespace

void AddLabelWarnings(const v1::JobSpec& spec, const AbsentLabels& absent,
                      v1::AcceptanceReport* report) {
  if (report->data_facts().label_source() == "verbalised") {
    const v1::ClassifyTask::Calibration& fit = spec.task().classify().calibration();
    const std::string how =
        fit.loss_before() > 0
            ? absl::StrFormat(
                  "calibrated with temperature %.3f on %d validation rows with gold (mean loss "
                  "%.4f "
                  "before, %.4f after)",
                  fit.temperature(), fit.gold_rows(), fit.loss_before(), fit.loss_after())
            : absl::StrCat("not calibrated, since only ", fit.gold_rows(),
                           " validation rows have gold");
    report->add_warnings(absl::StrCat(
        "Label probabilities are numbers that the teacher stated, not its own; ", how, "."));
  }
  if (absent.rows > 0 && absent.mean_bound > kNotableBound) {
    report->add_warnings(absl::StrFormat(
        "In %d held-out rows the teacher's list lacks a label, which then counts as 0; a token "
        "that "
        "it does not list may have up to %.3f on average. Ask for more top_logprobs.",
        absent.rows, absent.mean_bound));
  }
}

}  // namespace limbeck::trainer
