#include "cache/records/job_labels.h"

#include <utility>
#include <vector>

#include "base/status.h"

namespace limbeck::cache {

absl::StatusOr<LabelSet> CompileLabels(const v1::ClassifyTask& task) {
  std::vector<LabelSpec> labels;
  for (const v1::Label& label : task.labels()) {
    labels.push_back({label.name(), {label.variants().begin(), label.variants().end()}});
  }
  return LabelSet::Create(std::move(labels));
}

LabelMethod LabelMethodOf(const v1::ClassifyTask& task) {
  switch (task.label_method()) {
    case v1::ClassifyTask::LABEL_METHOD_FIRST_TOKEN:
      return LabelMethod::kFirstToken;
    case v1::ClassifyTask::LABEL_METHOD_SCORED:
      return LabelMethod::kScored;
    case v1::ClassifyTask::LABEL_METHOD_VOTES:
      return LabelMethod::kVotes;
    case v1::ClassifyTask::LABEL_METHOD_VERBALISED:
      return LabelMethod::kVerbalised;
    case v1::ClassifyTask::LABEL_METHOD_SCHEMA:
      return LabelMethod::kSchema;
    default:
      return LabelMethod::kAuto;
  }
}

LabelSource LabelSourceOf(const v1::JobSpec& spec) {
  switch (LabelMethodOf(spec.task().classify())) {
    case LabelMethod::kFirstToken:
      return LabelSource::kTopK;
    case LabelMethod::kScored:
      return LabelSource::kScored;
    case LabelMethod::kVotes:
      return LabelSource::kVotes;
    case LabelMethod::kVerbalised:
      return LabelSource::kVerbalised;
    case LabelMethod::kSchema:
      return LabelSource::kSchema;
    case LabelMethod::kAuto:
      break;
  }
  const bool top_k = spec.teachers_size() > 0 && spec.teachers(0).top_logprobs() > 0;
  return top_k ? LabelSource::kTopK : LabelSource::kVotes;
}

absl::StatusOr<LabelReader> MakeLabelReader(const v1::JobSpec& spec) {
  const v1::ClassifyTask& task = spec.task().classify();
  LIMBECK_ASSIGN_OR_RETURN(LabelSet labels, CompileLabels(task));
  LabelReading reading;
  reading.method = LabelMethodOf(task);
  reading.min_label_mass = task.min_label_mass();
  if (spec.teachers_size() > 0 && spec.teachers(0).has_voting()) {
    const v1::Voting& voting = spec.teachers(0).voting();
    reading.voting = VotingRule{.min_votes = voting.min_votes(),
                                .max_votes = voting.max_votes(),
                                .half_width = voting.half_width(),
                                .confidence = voting.confidence()};
  }
  if (task.has_calibration()) reading.temperature = task.calibration().temperature();
  return LabelReader(std::move(labels), reading);
}

}  // namespace limbeck::cache
