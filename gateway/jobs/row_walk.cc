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

const char* NameOf(bool held_out, bool pool) {
  if (pool) return "pool";
  return held_out ? "held_out" : "train";
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
  walk->PlanPasses(part);
  // Within one file the split keeps texts apart; over files their hashes do.
  if (part == WalkPart::kPool || (spec.data().has_held_out() && part != WalkPart::kHeldOut)) {
    LIMBECK_RETURN_IF_ERROR(walk->LoadHeldOutTexts());
  }
  LIMBECK_RETURN_IF_ERROR(walk->NextPass().status());
  return walk;
}

void RowWalk::PlanPasses(WalkPart part) {
  using File = Pass::File;
  const bool own_file = spec_.data().has_held_out();
  const bool all = part == WalkPart::kAll;
  if (part == WalkPart::kPool) {
    passes_.push_back({.file = File::kPool, .train = true});
    return;
  }
  if (all || part == WalkPart::kHeldOut) {
    passes_.push_back({.file = own_file ? File::kHeldOut : File::kTrain, .held_out = true});
  }
  if (part == WalkPart::kTrainFile) {
    passes_.push_back({.held_out = !own_file, .train = true, .validation = true});
  } else if (part != WalkPart::kHeldOut) {
    passes_.push_back({.train = all || part == WalkPart::kTrain,
                       .validation = all || part == WalkPart::kValidation});
  }
}

absl::StatusOr<std::unique_ptr<RowReader>> RowWalk::OpenFile(Pass::File file,
                                                             const std::string& id_column) const {
  const v1::DataSpec& data = spec_.data();
  const v1::DatasetRef* ref = &data.train();
  if (file == Pass::File::kHeldOut) ref = &data.held_out();
  if (file == Pass::File::kPool) ref = &data.expansion().few_shot().pool();
  LIMBECK_ASSIGN_OR_RETURN(const v1::Dataset dataset, datasets_.Get(ref->id()));
  return datasets_.OpenRows(dataset, id_column);
}

absl::Status RowWalk::LoadHeldOutTexts() {
  const bool own_file = spec_.data().has_held_out();
  LIMBECK_ASSIGN_OR_RETURN(const auto reader,
                           OpenFile(own_file ? Pass::File::kHeldOut : Pass::File::kTrain, ""));
  while (true) {
    const absl::StatusOr<std::optional<Row>> row = reader->Next();
    // A row that cannot be used is reported by the pass that gives it.
    if (absl::IsInvalidArgument(row.status())) continue;
    LIMBECK_RETURN_IF_ERROR(row.status());
    if (!row->has_value()) return absl::OkStatus();
    const auto text = ColumnText((*row)->columns, spec_.data().input_column());
    if (!text.ok()) continue;
    if (own_file || split_.Of(*text) == DatasetPart::kHeldOut) {
      held_out_texts_.insert(Xxh3(FoldText(*text)));
    }
  }
}

absl::StatusOr<bool> RowWalk::NextPass() {
  if (next_pass_ == passes_.size()) {
    reader_.reset();
    return false;
  }
  const Pass::File file = passes_[next_pass_++].file;
  // Pool rows are told apart by their text.
  LIMBECK_ASSIGN_OR_RETURN(
      reader_, OpenFile(file, file == Pass::File::kPool ? "" : spec_.data().id_column()));
  seen_.clear();
  return true;
}

absl::StatusOr<std::optional<JobRow>> RowWalk::Use(const Pass& pass, Row row) {
  JobRow out;
  const bool pool = pass.file == Pass::File::kPool;
  const bool held_out_file = pass.file == Pass::File::kHeldOut;
  out.dataset = NameOf(held_out_file, pool);
  out.number = row.index + 1;
  const auto annotated = [&](const absl::Status& status) {
    return absl::InvalidArgumentError(
        absl::StrCat(out.dataset, " row ", out.number, ": ", absl::string_view(status.message())));
  };
  const auto input = ColumnText(row.columns, spec_.data().input_column());
  if (!input.ok()) return annotated(input.status());
  out.input = *input;
  out.text_hash = Xxh3(FoldText(out.input));
  if (pool) {
    out.part = DatasetPart::kTrain;
  } else {
    out.part = held_out_file ? DatasetPart::kHeldOut : split_.Of(out.input);
  }
  const bool wanted = (out.part == DatasetPart::kHeldOut && pass.held_out) ||
                      (out.part == DatasetPart::kTrain && pass.train) ||
                      (out.part == DatasetPart::kValidation && pass.validation);
  if (!wanted) return std::optional<JobRow>();
  if (!held_out_file && held_out_texts_.contains(out.text_hash)) return std::optional<JobRow>();
  if (!seen_.insert(out.text_hash).second) return std::optional<JobRow>();
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
