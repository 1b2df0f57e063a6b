#include "cli/progress_line.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/print.h"

namespace limbeck::cli {
namespace {

constexpr int kBarWidth = 20;

double Percent(const v1::DistillationJob& job) {
  const double percent = job.progress().percent();
  if (!std::isfinite(percent)) return 0;
  return std::clamp(percent, 0.0, 100.0);
}

std::string TrainText(const v1::Progress& progress) {
  std::string text = absl::StrFormat("step %s of %s", FormatCount(progress.steps_done()),
                                     FormatCount(progress.steps_total()));
  if (progress.train_loss() != 0) {
    absl::StrAppend(&text, absl::StrFormat(", loss %.4f", progress.train_loss()));
  }
  if (progress.validation_agreement() > 0) {
    absl::StrAppend(&text, absl::StrFormat(", agreement %.3f", progress.validation_agreement()));
  }
  if (progress.workers() > 0) absl::StrAppend(&text, ", workers ", progress.workers());
  return text;
}

std::string HarvestText(const v1::Progress& progress) {
  std::string text = absl::StrFormat(
      "bought %s, cached %s, rejected %s of %s queries", FormatCount(progress.queries_bought()),
      FormatCount(progress.queries_cached()), FormatCount(progress.rows_rejected()),
      FormatCount(progress.queries_total()));
  if (progress.calls_ambiguous() > 0) {
    absl::StrAppend(&text, ", ", progress.calls_ambiguous(), " ambiguous");
  }
  return text;
}

// "$0.29 to $0.31 in all" while the job buys and a projection is there; else empty.
std::string ProjectionText(const v1::DistillationJob& job) {
  const v1::Progress& progress = job.progress();
  const v1::JobState state = job.state();
  const bool ended = state == v1::JOB_STATE_SUCCEEDED || state == v1::JOB_STATE_FAILED ||
                     state == v1::JOB_STATE_CANCELLED || state == v1::JOB_STATE_CANCELLING;
  if (ended || CurrentPhase(job) >= v1::PHASE_KIND_TRAIN ||
      progress.projected_high_micro_usd() == 0) {
    return "";
  }
  const std::string low = FormatUsd(progress.projected_low_micro_usd());
  const std::string high = FormatUsd(progress.projected_high_micro_usd());
  return low == high ? absl::StrCat(high, " in all") : absl::StrCat(low, " to ", high, " in all");
}

}  // namespace

v1::PhaseKind CurrentPhase(const v1::DistillationJob& job) {
  v1::PhaseKind done = v1::PHASE_KIND_UNSPECIFIED;
  v1::PhaseKind running = v1::PHASE_KIND_UNSPECIFIED;
  for (const auto& phase : job.phases()) {
    if (phase.status() == v1::PHASE_STATUS_RUNNING) running = phase.kind();
    if (phase.status() == v1::PHASE_STATUS_DONE) done = phase.kind();
  }
  return running != v1::PHASE_KIND_UNSPECIFIED ? running : done;
}

std::string StageName(const v1::DistillationJob& job) {
  const v1::PhaseKind phase = CurrentPhase(job);
  if (job.state() != v1::JOB_STATE_RUNNING || phase == v1::PHASE_KIND_UNSPECIFIED) {
    return EnumName(v1::JobState_Name(job.state()), "JOB_STATE_");
  }
  return EnumName(v1::PhaseKind_Name(phase), "PHASE_KIND_");
}

std::string ProgressText(const v1::DistillationJob& job) {
  const v1::Progress& progress = job.progress();
  const v1::PhaseKind phase = CurrentPhase(job);
  const bool training = phase >= v1::PHASE_KIND_TRAIN;
  std::string text = absl::StrFormat("%-9s %3.0f %%  %s  %s of %s", StageName(job), Percent(job),
                                     training ? TrainText(progress) : HarvestText(progress),
                                     FormatUsd(progress.spent_micro_usd()),
                                     FormatUsd(progress.ceiling_micro_usd()));
  if (const std::string projection = ProjectionText(job); !projection.empty()) {
    absl::StrAppend(&text, ", ", projection);
  }
  if (progress.seconds_left() > 0 && job.state() == v1::JOB_STATE_RUNNING) {
    absl::StrAppend(&text, "  ", FormatSeconds(progress.seconds_left()), " left");
  }
  return text;
}

std::string ProgressBar(const v1::DistillationJob& job, size_t columns) {
  const int filled = static_cast<int>(Percent(job) / 100 * kBarWidth);
  std::string text = absl::StrCat("[", std::string(filled, '#'),
                                  std::string(kBarWidth - filled, '-'), "] ", ProgressText(job));
  if (text.size() > columns) text.resize(columns);
  return text;
}

}  // namespace limbeck::cli
