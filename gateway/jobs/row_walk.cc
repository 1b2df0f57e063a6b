#include "gateway/jobs/row_walk.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/status.h"

namespace limbeck::gateway {
namespace {

absl::StatusOr<Split> MakeSplit(const v1::JobSpec& spec) {
  SplitSpec split;
  split.held_out = spec.data().has_held_out() ? 0.0 : spec.data().held_out_share();
  split.validation = spec.method().validation_share() * (1.0 - split.held_out);
  return Split::Create(split);
}

}  // namespace

std::string FoldText(std::string_view text) {
  std::string folded;
  folded.reserve(text.size());
  bool space = false;
  for (const char c : text) {
    if (absl::ascii_isspace(static_cast<unsigned char>(c))) {
      space = !folded.empty();
      continue;
    }
    if (space) folded.push_back(' ');
    space = false;
    folded.push_back(absl::ascii_tolower(static_cast<unsigned char>(c)));
  }
  return folded;
}

absl::StatusOr<std::unique_ptr<RowWalk>> RowWalk::Open(const DatasetStore& datasets,
                                                       const v1::JobSpec& spec, WalkPart part) {
  LIMBECK_ASSIGN_OR_RETURN(const Split split, MakeSplit(spec));
  std::unique_ptr<RowWalk> walk(new RowWalk(datasets, spec, split));
  const bool own_file = spec.data().has_held_out();
  const bool all = part == WalkPart::kAll;
  if (all || part == WalkPart::kHeldOut) {
    walk->passes_.push_back({.held_out_file = own_file, .held_out = true});
  }
  if (part == WalkPart::kTrainFile) {
    walk->passes_.push_back({.held_out = !own_file, .train = true, .validation = true});
  } else if (part != WalkPart::kHeldOut) {
    walk->passes_.push_back({.train = all || part == WalkPart::kTrain,
                             .validation = all || part == WalkPart::kValidation});
  }
  if (own_file && part != WalkPart::kHeldOut) LIMBECK_RETURN_IF_ERROR(walk->LoadHeldOutTexts());
  LIMBECK_RETURN_IF_ERROR(walk->NextPass().status());
  return walk;
}

absl::Status RowWalk::LoadHeldOutTexts() {
  LIMBECK_ASSIGN_OR_RETURN(const v1::Dataset dataset, datasets_.Get(spec_.data().held_out().id()));
  LIMBECK_ASSIGN_OR_RETURN(const auto reader, datasets_.OpenRows(dataset, ""));
  while (true) {
    LIMBECK_ASSIGN_OR_RETURN(const std::optional<Row> row, reader->Next());
    if (!row.has_value()) return absl::OkStatus();
    const auto text = ColumnText(row->columns, spec_.data().input_column());
    // A row without text is reported by the pass that gives held-out rows.
    if (text.ok()) held_out_texts_.insert(Xxh3(FoldText(*text)));
  }
}

absl::StatusOr<bool> RowWalk::NextPass() {
  if (next_pass_ == passes_.size()) {
    reader_.reset();
    return false;
  }
  const Pass& pass = passes_[next_pass_++];
  const v1::DataSpec& data = spec_.data();
  const v1::DatasetRef& ref = pass.held_out_file ? data.held_out() : data.train();
  LIMBECK_ASSIGN_OR_RETURN(const v1::Dataset dataset, datasets_.Get(ref.id()));
  LIMBECK_ASSIGN_OR_RETURN(reader_, datasets_.OpenRows(dataset, data.id_column()));
  seen_.clear();
  return true;
}

absl::StatusOr<std::optional<JobRow>> RowWalk::Use(const Pass& pass, Row row) {
  JobRow out;
  out.dataset = pass.held_out_file ? "held_out" : "train";
  out.number = row.index + 1;
  const auto annotated = [&](const absl::Status& status) {
    return absl::InvalidArgumentError(
        absl::StrCat(out.dataset, " row ", out.number, ": ", absl::string_view(status.message())));
  };
  const auto input = ColumnText(row.columns, spec_.data().input_column());
  if (!input.ok()) return annotated(input.status());
  out.input = *input;
  const uint64_t hash = Xxh3(FoldText(out.input));
  out.part = pass.held_out_file ? DatasetPart::kHeldOut : split_.Of(out.input);
  const bool wanted = (out.part == DatasetPart::kHeldOut && pass.held_out) ||
                      (out.part == DatasetPart::kTrain && pass.train) ||
                      (out.part == DatasetPart::kValidation && pass.validation);
  if (!wanted) return std::optional<JobRow>();
  if (!pass.held_out_file && held_out_texts_.contains(hash)) return std::optional<JobRow>();
  if (!seen_.insert(hash).second) return std::optional<JobRow>();
  out.row = std::move(row);
  return std::optional<JobRow>(std::move(out));
}

std::string RowWalk::GoldOf(const JobRow& row) const {
  return ColumnText(row.row.columns, spec_.data().label_column()).value_or("");
}

absl::StatusOr<std::optional<JobRow>> RowWalk::Next() {
  while (reader_ != nullptr) {
    const Pass& pass = passes_[next_pass_ - 1];
    LIMBECK_ASSIGN_OR_RETURN(std::optional<Row> row, reader_->Next());
    if (!row.has_value()) {
      LIMBECK_RETURN_IF_ERROR(NextPass().status());
      continue;
    }
    LIMBECK_ASSIGN_OR_RETURN(std::optional<JobRow> used, Use(pass, *std::move(row)));
    if (used.has_value()) return used;
  }
  return std::optional<JobRow>();
}

}  // namespace limbeck::gateway
