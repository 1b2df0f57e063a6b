#include "gateway/jobs/row_judge.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/error_details.h"
#include "base/status.h"
#include "base/utf8.h"
#include "cache/records/job_labels.h"

namespace limbeck::gateway {
namespace {

constexpr size_t kMaxDetailBytes = 500;

std::string Shortened(std::string_view text) {
  return ReplaceInvalidUtf8(TruncateUtf8(text, kMaxDetailBytes));
}

}  // namespace

absl::StatusOr<RowJudge> RowJudge::Create(const v1::JobSpec& spec) {
  LIMBECK_ASSIGN_OR_RETURN(cache::LabelReader reader, cache::MakeLabelReader(spec));
  return RowJudge(std::move(reader));
}

std::string RowReason(const Failure& failure) {
  switch (failure.cls) {
    case FailureClass::kRefused:
      return "REFUSED";
    case FailureClass::kGarbled:
      return "GARBLED";
    case FailureClass::kBadRequest:
      return "BAD_REQUEST";
    default:
      return "";
  }
}

RowVerdict RowJudge::Judge(const std::vector<cache::SoftOutput>& outputs,
                           const std::optional<Failure>& failure) const {
  RowVerdict verdict;
  const bool needs_all = reader_.reading().method == cache::LabelMethod::kScored;
  if (failure.has_value() && (outputs.empty() || needs_all)) {
    verdict.reason = RowReason(*failure);
    verdict.detail = Shortened(failure->message);
    return verdict;
  }
  const auto distribution = reader_.Read(outputs);
  if (distribution.ok()) {
    verdict.usable = true;
    verdict.leftover = distribution->leftover;
    return verdict;
  }
  const auto reason = GetReason(distribution.status());
  verdict.reason = reason.has_value() ? reason->reason : "GARBLED";
  // One token of a label is all that logprobs need; a vote or a JSON answer that ran out of tokens
  // is cut short.
  const bool cut = std::all_of(outputs.begin(), outputs.end(), [](const cache::SoftOutput& output) {
    return output.finish_reason == cache::FinishReason::kLength && output.top_logprobs == 0;
  });
  const bool worded = verdict.reason == "NO_LABEL" || verdict.reason == "SCHEMA_INVALID";
  if (worded && cut) verdict.reason = "TRUNCATED";
  std::string detail(ToStd(distribution.status().message()));
  if (!outputs.empty() && !outputs.front().text.empty()) {
    absl::StrAppend(&detail, "; the teacher said: ", outputs.front().text);
  }
  verdict.detail = Shortened(detail);
  return verdict;
}

}  // namespace limbeck::gateway
