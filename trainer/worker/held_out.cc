#include "trainer/worker/held_out.h"

#include <algorithm>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "trainer/evaluation/acceptance.h"
#include "trainer/loop/validate.h"
#include "trainer/students/compute_threads.h"

namespace limbeck::trainer {
namespace {

// Speed is measured over at least this long, or this many texts: small held-out sets are repeated.
constexpr absl::Duration kMinMeasure = absl::Milliseconds(200);
constexpr size_t kMaxMeasuredTexts = 100'000;

Prediction Choose(const std::vector<double>& probabilities) {
  const auto best = std::max_element(probabilities.begin(), probabilities.end());
  return {.label = static_cast<uint32_t>(best - probabilities.begin()), .confidence = *best};
}

absl::StatusOr<double> TextsPerSecond(Student* student, const std::vector<std::string>& texts,
                                      Clock* clock) {
  if (texts.empty()) return 0.0;
  size_t done = 0;
  const SteadyTime start = clock->Now();
  absl::Duration took;
  do {
    LIMBECK_RETURN_IF_ERROR(InferProbabilities(student, texts).status());
    done += texts.size();
    took = clock->Now() - start;
  } while (took < kMinMeasure && done < kMaxMeasuredTexts);
  if (took <= absl::ZeroDuration()) return 0.0;
  return static_cast<double>(done) / absl::ToDoubleSeconds(took);
}

double MeanLeftover(const std::vector<TeacherRow>& rows) {
  double sum = 0.0;
  for (const TeacherRow& row : rows) sum += row.teacher.leftover;
  return rows.empty() ? 0.0 : sum / static_cast<double>(rows.size());
}

AbsentLabels CountAbsentLabels(const std::vector<TeacherRow>& rows) {
  AbsentLabels absent;
  double sum = 0.0;
  for (const TeacherRow& row : rows) {
    const std::vector<double>& all = row.teacher.probabilities;
    if (row.teacher.source != cache::LabelSource::kTopK ||
        *std::min_element(all.begin(), all.end()) > 0.0) {
      continue;
    }
    ++absent.rows;
    sum += row.teacher.absent_bound;
  }
  if (absent.rows > 0) absent.mean_bound = sum / static_cast<double>(absent.rows);
  return absent;
}

}  // namespace

v1::LearningPoint ToLearningPoint(const CurvePoint& point) {
  v1::LearningPoint result;
  result.set_step(point.step);
  result.set_epoch(point.epoch);
  result.set_train_loss(point.train_loss);
  result.set_validation_kl(point.validation_kl);
  result.set_validation_agreement(point.validation_agreement);
  return result;
}

absl::StatusOr<v1::AcceptanceReport> EvaluateHeldOut(const v1::WorkResponse::Assignment& assignment,
                                                     int threads,
                                                     const std::vector<CurvePoint>& curve,
                                                     const std::vector<TeacherRow>& rows,
                                                     Student* student, Clock* clock) {
  ReportContext context;
  context.job_id = assignment.job_id();
  context.spec = assignment.spec();
  context.data_facts = assignment.data_facts();
  context.workers = assignment.world_size();
  context.create_unix_micros = absl::ToUnixMicros(clock->WallNow());
  for (const CurvePoint& point : curve) context.learning_curve.push_back(ToLearningPoint(point));

  std::vector<std::string> texts;
  std::set<std::string> models;
  for (const TeacherRow& row : rows) {
    if (row.gold < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("held-out row ", row.row_id, " has no gold label to compare with"));
    }
    texts.push_back(row.text);
    models.insert(row.teacher_model);
  }
  LIMBECK_ASSIGN_OR_RETURN(const Inference inference, InferProbabilities(student, texts));
  context.cut_texts = inference.cut_texts;
  context.absent_labels = CountAbsentLabels(rows);
  std::vector<EvaluatedRow> evaluated;
  for (size_t i = 0; i < rows.size(); ++i) {
    const cache::LabelDistribution& teacher = rows[i].teacher;
    evaluated.push_back({.gold = static_cast<uint32_t>(rows[i].gold),
                         .student = Choose(inference.probabilities[i]),
                         .teacher = {.label = static_cast<uint32_t>(teacher.Best()),
                                     .confidence = teacher.probabilities[teacher.Best()]}});
  }

  v1::StudentFacts* facts = &context.student_facts;
  facts->set_kind(std::string(student->kind()));
  facts->set_parameters(student->ParameterCount());
  facts->set_bytes(EncodeModel(student).size());
  SetComputeThreads(1);
  const absl::StatusOr<double> speed = TextsPerSecond(student, texts, clock);
  SetComputeThreads(threads);
  LIMBECK_RETURN_IF_ERROR(speed.status());
  facts->set_texts_per_second(*speed);

  v1::DataFacts* data = &context.data_facts;
  data->set_mean_leftover_mass(MeanLeftover(rows));
  if (!rows.empty()) {
    data->set_label_source(std::string(cache::LabelSourceName(rows[0].teacher.source)));
  }
  data->clear_teacher_models();
  for (const std::string& model : models) data->add_teacher_models(model);
  return MakeReport(context, evaluated);
}

}  // namespace limbeck::trainer
