#include "gateway/jobs/row_walk.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "gateway/expansion/fold_text.h"

namespace limbeck::gateway {
namespace {

SplitSpec SplitOf(const v1::JobSpec& spec) {
  SplitSpec split;
  split.held_out = spec.data().has_held_out() ? 0.0 : spec.data().held_out_share();
  split.validation = spec.method().validation_share() * (1.0 - split.held_out);
  return split;
}

const char* NameOf(bool held_out, bool pool) {
  if (pool) return "pool";
  return held_out ? "held_out" : "train";
}

}  // namespace

absl::StatusOr<std::unique_ptr<RowWalk>> RowWalk::Open(const DatasetStore& datasets,
                                                       const v1::JobSpec& spec, WalkPart part) {
  LIMBECK_ASSIGN_OR_RETURN(const Split split, Split::Create(SplitOf(spec)));
  std::unique_ptr<RowWalk> walk(new RowWalk(datasets, spec, split));
  walk->PlanPasses(part);
  LIMBECK_RETURN_IF_ERROR(walk->OpenIndexes());
  LIMBECK_RETURN_IF_ERROR(walk->OpenPass(0));
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

const std::string& RowWalk::DatasetOf(Pass::File file) const {
  const v1::DataSpec& data = spec_.data();
  if (file == Pass::File::kHeldOut) return data.held_out().id();
  if (file == Pass::File::kPool) return data.expansion().few_shot().pool().id();
  return data.train().id();
}

absl::Status RowWalk::OpenIndexes() {
  const v1::DataSpec& data = spec_.data();
  uint64_t place = 0;
  for (size_t i = 0; i < passes_.size(); ++i) {
    Pass& pass = passes_[i];
    RowIndexSpec index = {.dataset_id = DatasetOf(pass.file), .column = data.input_column()};
    // Within one file the split keeps texts apart; over files the index does.
    if (pass.file != Pass::File::kHeldOut && data.has_held_out()) {
      index.excluded.push_back({data.held_out().id(), std::nullopt});
    }
    if (pass.file == Pass::File::kPool) {
      index.excluded.push_back({data.train().id(), SplitOf(spec_)});
    }
    const bool again = i > 0 && passes_[i - 1].file == pass.file;
    if (again) {
      pass.index = passes_[i - 1].index;
    } else {
      LIMBECK_ASSIGN_OR_RETURN(pass.index, RowIndex::Open(datasets_, index));
    }
    pass.first_place = place;
    place += pass.index->rows();
  }
  return absl::OkStatus();
}

uint64_t RowWalk::places() const {
  return passes_.back().first_place + passes_.back().index->rows();
}

absl::Status RowWalk::OpenPass(size_t pass) {
  pass_ = pass;
  reader_.reset();
  if (pass == passes_.size()) return absl::OkStatus();
  const Pass::File file = passes_[pass].file;
  LIMBECK_ASSIGN_OR_RETURN(const v1::Dataset dataset, datasets_.Get(DatasetOf(file)));
  // Pool rows are told apart by their text.
  LIMBECK_ASSIGN_OR_RETURN(
      reader_,
      datasets_.OpenRows(dataset, file == Pass::File::kPool ? "" : spec_.data().id_column(),
                         spec_.data().input_column()));
  return absl::OkStatus();
}

absl::Status RowWalk::Seek(uint64_t place) {
  size_t pass = 0;
  while (pass < passes_.size() &&
         place >= passes_[pass].first_place + passes_[pass].index->rows()) {
    ++pass;
  }
  LIMBECK_RETURN_IF_ERROR(OpenPass(pass));
  if (reader_ == nullptr) return absl::OkStatus();
  const uint64_t row = place - passes_[pass].first_place;
  reader_->StartAt(row / RowIndex::kStride * RowIndex::kStride,
                   passes_[pass].index->OffsetNear(row));
  return reader_->Seek(row);
}

absl::StatusOr<std::optional<JobRow>> RowWalk::Use(const Pass& pass, Row row) {
  JobRow out;
  const bool pool = pass.file == Pass::File::kPool;
  const bool held_out_file = pass.file == Pass::File::kHeldOut;
  out.dataset = NameOf(held_out_file, pool);
  out.number = row.index + 1;
  out.place = pass.first_place + row.index;
  const auto annotated = [&](const absl::Status& status) {
    return absl::InvalidArgumentError(
        absl::StrCat(out.dataset, " row ", out.number, ": ", absl::string_view(status.message())));
  };
  if (!row.text.ok()) return annotated(row.text.status());
  out.input = *std::move(row.text);
  out.text_hash = TextHash(out.input);
  if (pool) {
    out.part = DatasetPart::kTrain;
  } else {
    out.part = held_out_file ? DatasetPart::kHeldOut : split_.Of(out.input);
  }
  const bool wanted = (out.part == DatasetPart::kHeldOut && pass.held_out) ||
                      (out.part == DatasetPart::kTrain && pass.train) ||
                      (out.part == DatasetPart::kValidation && pass.validation);
  if (!wanted) return std::optional<JobRow>();
  out.row = std::move(row);
  return std::optional<JobRow>(std::move(out));
}

std::string RowWalk::GoldOf(const JobRow& row) const {
  return ColumnText(row.row.columns, spec_.data().label_column()).value_or("");
}

absl::StatusOr<std::optional<JobRow>> RowWalk::Next() {
  while (reader_ != nullptr) {
    const Pass& pass = passes_[pass_];
    const uint64_t row_index = pass.index->NextFrom(reader_->next_index());
    if (row_index == pass.index->rows()) {
      LIMBECK_RETURN_IF_ERROR(OpenPass(pass_ + 1));
      continue;
    }
    LIMBECK_RETURN_IF_ERROR(reader_->Seek(row_index));
    LIMBECK_ASSIGN_OR_RETURN(std::optional<Row> row, reader_->Next());
    if (!row.has_value()) {
      return absl::DataLossError(absl::StrCat("a dataset has fewer rows than it had: ", row_index,
                                              " of ", pass.index->rows()));
    }
    LIMBECK_ASSIGN_OR_RETURN(std::optional<JobRow> used, Use(pass, *std::move(row)));
    if (used.has_value()) return used;
  }
  return std::optional<JobRow>();
}

}  // namespace limbeck::gateway
