#include "gateway/jobs/calibration.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "cache/records/job_labels.h"
#include "cache/records/record_codec.h"
#include "cache/records/temperature_fit.h"
#include "gateway/jobs/query_maker.h"
#include "gateway/jobs/row_walk.h"
#include "gateway/teachers/canonical.h"

namespace limbeck::gateway {
namespace {

constexpr size_t kLookupQueries = 256;

// Validation rows with gold, as calibration rows, looked up in batches.
class GoldRows {
 public:
  GoldRows(const JobContext& context, const QueryMaker& maker, const cache::LabelReader& reader,
           std::unique_ptr<RowWalk> walk)
      : context_(context), maker_(maker), reader_(reader), walk_(std::move(walk)) {}

  absl::StatusOr<std::vector<cache::CalibrationRow>> Collect() {
    while (rows_.size() < kMaxCalibrationRows) {
      LIMBECK_ASSIGN_OR_RETURN(const std::optional<JobRow> row, walk_->Next());
      if (!row.has_value()) break;
      const int gold = reader_.labels().Match(walk_->GoldOf(*row));
      if (gold < 0) continue;
      LIMBECK_ASSIGN_OR_RETURN(const TeacherQuery query, maker_.QueryOf(*row, 0));
      request_.items.push_back(
          {CanonicalRequest(maker_.teacher().config, query), query.top_logprobs, 0});
      golds_.push_back(static_cast<size_t>(gold));
      if (golds_.size() == kLookupQueries) LIMBECK_RETURN_IF_ERROR(LookUp());
    }
    LIMBECK_RETURN_IF_ERROR(LookUp());
    return std::move(rows_);
  }

 private:
  absl::Status LookUp() {
    if (golds_.empty()) return absl::OkStatus();
    request_.domain = context_.domain;
    request_.lookup_only = true;
    request_.include_records = true;
    LIMBECK_ASSIGN_OR_RETURN(const auto results, context_.cache->Acquire(request_));
    for (size_t i = 0; i < results.size() && i < golds_.size(); ++i) {
      if (results[i].kind != cache::AcquireResult::Kind::kHit || results[i].record.empty())
        continue;
      LIMBECK_ASSIGN_OR_RETURN(cache::SoftOutput output, cache::DecodeRecord(results[i].record));
      const auto distribution = reader_.Read({std::move(output)});
      if (distribution.ok()) rows_.push_back({distribution->probabilities, golds_[i]});
    }
    request_.items.clear();
    golds_.clear();
    return absl::OkStatus();
  }

  const JobContext& context_;
  const QueryMaker& maker_;
  const cache::LabelReader& reader_;
  const std::unique_ptr<RowWalk> walk_;
  cache::AcquireRequest request_;
  std::vector<size_t> golds_;
  std::vector<cache::CalibrationRow> rows_;
};

}  // namespace

absl::StatusOr<v1::ClassifyTask::Calibration> Calibrate(const JobContext& context,
                                                        const v1::JobSpec& spec) {
  v1::JobSpec uncalibrated = spec;
  uncalibrated.mutable_task()->mutable_classify()->clear_calibration();
  LIMBECK_ASSIGN_OR_RETURN(const QueryMaker maker,
                           QueryMaker::Create(spec, *context.teachers, *context.datasets));
  LIMBECK_ASSIGN_OR_RETURN(const cache::LabelReader reader, cache::MakeLabelReader(uncalibrated));
  LIMBECK_ASSIGN_OR_RETURN(auto walk,
                           RowWalk::Open(*context.datasets, spec, WalkPart::kValidation));
  GoldRows gold(context, maker, reader, std::move(walk));
  LIMBECK_ASSIGN_OR_RETURN(const std::vector<cache::CalibrationRow> rows, gold.Collect());
  v1::ClassifyTask::Calibration calibration;
  calibration.set_temperature(1.0);
  calibration.set_gold_rows(static_cast<uint32_t>(rows.size()));
  if (rows.size() < kMinCalibrationRows) return calibration;
  const cache::TemperatureFit fit = cache::FitTemperature(rows);
  calibration.set_temperature(fit.temperature);
  calibration.set_loss_before(fit.loss_before);
  calibration.set_loss_after(fit.loss_after);
  return calibration;
}

}  // namespace limbeck::gateway
