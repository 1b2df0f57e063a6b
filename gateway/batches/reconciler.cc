#include "gateway/batches/reconciler.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace limbeck::gateway {

std::string BatchTally::ToString() const {
  return absl::StrCat(answered, " answered, ", failed, " failed, ", missing, " missing, ",
                      duplicates, " doubled, ", unknown, " unknown, ", unreadable, " unreadable");
}

Reconciler::Reconciler(const std::vector<BatchLine>& lines, const BatchApi& api)
    : api_(api), seen_(lines.size()) {
  lines_.reserve(lines.size());
  for (size_t i = 0; i < lines.size(); ++i) lines_.emplace(CustomId(lines[i]), i);
}

std::optional<Reconciler::Found> Reconciler::Take(std::string_view text) {
  absl::StatusOr<BatchAnswer> answer = api_.ReadAnswer(text);
  if (!answer.ok()) {
    ++tally_.unreadable;
    return std::nullopt;
  }
  const auto line = lines_.find(answer->custom_id);
  if (line == lines_.end()) {
    ++tally_.unknown;
    return std::nullopt;
  }
  if (seen_[line->second]) {
    ++tally_.duplicates;
    return std::nullopt;
  }
  seen_[line->second] = true;
  const auto* response = std::get_if<http::Response>(&answer->result);
  ++(response != nullptr && response->status_code == 200 ? tally_.answered : tally_.failed);
  return Found{line->second, std::move(answer->result)};
}

std::vector<size_t> Reconciler::Missing() {
  std::vector<size_t> missing;
  for (size_t i = 0; i < seen_.size(); ++i) {
    if (!seen_[i]) missing.push_back(i);
  }
  tally_.missing = missing.size();
  return missing;
}

bool Reconciler::MissingMayBeBilled(const BatchStatus& status) const {
  if (status.counts.has_value()) return status.counts->completed > tally_.answered;
  return tally_.unreadable > 0 || status.phase == BatchStatus::Phase::kCompleted;
}

}  // namespace limbeck::gateway
