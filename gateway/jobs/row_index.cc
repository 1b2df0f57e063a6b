#include "gateway/jobs/row_index.h"

#include <bit>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/status.h"
#include "gateway/expansion/fold_text.h"
#include "gateway/jobs/repeat_finder.h"
#include "gateway/jobs/side_file.h"
#include "gateway/templates/rows/row.h"

namespace limbeck::gateway {
namespace {

constexpr std::string_view kMagic = "LMBKROWS";
constexpr uint64_t kVersion = 1;
constexpr uint64_t kBits = 64;
// Hexadecimal digits of a hash that name a kept index among those of its dataset.
constexpr size_t kNameDigits = 16;

uint64_t WordsOf(uint64_t rows) { return (rows + kBits - 1) / kBits; }
uint64_t OffsetsOf(uint64_t rows) { return rows / RowIndex::kStride + 1; }

// What belongs to one spec only.
std::filesystem::path PathOf(const DatasetStore& datasets, const RowIndexSpec& spec) {
  std::string what;
  kv::AppendOrderedString(&what, spec.column);
  for (const RowIndexSpec::Exclusion& excluded : spec.excluded) {
    kv::AppendOrderedString(&what, excluded.dataset_id);
    if (!excluded.split.has_value()) continue;
    for (const double share : {excluded.split->validation, excluded.split->held_out}) {
      kv::AppendOrderedU64(&what, std::bit_cast<uint64_t>(share));
    }
    kv::AppendOrderedU64(&what, excluded.split->seed);
  }
  return datasets.DerivedPath(spec.dataset_id,
                              absl::StrCat("rows-", Sha256Hex(what).substr(0, kNameDigits)));
}

// Calls `use` with the hash and the index of every row that has a text.
template <typename Use>
absl::Status ReadTexts(RowReader& reader, Use use) {
  while (true) {
    const absl::StatusOr<std::optional<Row>> row = reader.Next();
    // A row that cannot be used is reported by the walk that gives it.
    if (absl::IsInvalidArgument(row.status())) continue;
    LIMBECK_RETURN_IF_ERROR(row.status());
    if (!row->has_value()) return absl::OkStatus();
    if (!(*row)->text.ok()) continue;
    LIMBECK_RETURN_IF_ERROR(use(*(*row)->text, (*row)->index));
  }
}

absl::Status Exclude(const DatasetStore& datasets, const std::string& column,
                     const RowIndexSpec::Exclusion& excluded, RepeatFinder* finder) {
  LIMBECK_ASSIGN_OR_RETURN(const v1::Dataset dataset, datasets.Get(excluded.dataset_id));
  LIMBECK_ASSIGN_OR_RETURN(const auto reader, datasets.OpenRowsWithoutIds(dataset, column));
  std::optional<Split> split;
  if (excluded.split.has_value()) {
    LIMBECK_ASSIGN_OR_RETURN(split, Split::Create(*excluded.split));
  }
  return ReadTexts(*reader, [&](const std::string& text, uint64_t) {
    if (split.has_value() && split->Of(text) == DatasetPart::kTrain) return absl::OkStatus();
    return finder->Exclude(TextHash(text));
  });
}

}  // namespace

absl::StatusOr<std::shared_ptr<const RowIndex>> RowIndex::Open(const DatasetStore& datasets,
                                                               const RowIndexSpec& spec) {
  LIMBECK_ASSIGN_OR_RETURN(const v1::Dataset dataset, datasets.Get(spec.dataset_id));
  const std::filesystem::path path = PathOf(datasets, spec);
  const absl::StatusOr<std::string> kept = ReadFile(path);
  if (kept.ok()) {
    absl::StatusOr<RowIndex> index = Decode(*kept);
    if (index.ok() && index->rows() == dataset.rows()) {
      return std::make_shared<const RowIndex>(*std::move(index));
    }
    LIMBECK_LOG(WARNING) << "a row index is damaged and made again"
                         << LogField("path", path.string());
  }
  LIMBECK_ASSIGN_OR_RETURN(RowIndex made, Make(datasets, spec));
  LIMBECK_ASSIGN_OR_RETURN(const auto file, SideFile::Create(datasets.ScratchPath()));
  LIMBECK_RETURN_IF_ERROR(file->Append(made.Encode()));
  LIMBECK_RETURN_IF_ERROR(file->Sync().status());
  LIMBECK_RETURN_IF_ERROR(file->MoveTo(path));
  return std::make_shared<const RowIndex>(std::move(made));
}

absl::StatusOr<RowIndex> RowIndex::Make(const DatasetStore& datasets, const RowIndexSpec& spec) {
  LIMBECK_ASSIGN_OR_RETURN(const v1::Dataset dataset, datasets.Get(spec.dataset_id));
  LIMBECK_ASSIGN_OR_RETURN(const auto finder,
                           RepeatFinder::Create(datasets.ScratchPath(), dataset.rows()));
  for (const RowIndexSpec::Exclusion& excluded : spec.excluded) {
    LIMBECK_RETURN_IF_ERROR(Exclude(datasets, spec.column, excluded, finder.get()));
  }
  LIMBECK_ASSIGN_OR_RETURN(const auto reader, datasets.OpenRowsWithoutIds(dataset, spec.column));
  LIMBECK_RETURN_IF_ERROR(ReadTexts(*reader, [&](const std::string& text, uint64_t row) {
    return finder->AddRow(TextHash(text), row);
  }));
  RowIndex index;
  index.rows_ = reader->next_index();
  index.bits_.assign(WordsOf(index.rows_), ~uint64_t{0});
  LIMBECK_RETURN_IF_ERROR(finder->Find(
      [&](uint64_t row) { index.bits_[row / kBits] &= ~(uint64_t{1} << (row % kBits)); }));
  for (uint64_t row = 0; row <= index.rows_; row += kStride) {
    index.offsets_.push_back(reader->OffsetBefore(row));
  }
  return index;
}

uint64_t RowIndex::NextFrom(uint64_t row) const {
  while (row < rows_) {
    const uint64_t left = bits_[row / kBits] >> (row % kBits);
    if (left != 0) return std::min(rows_, row + std::countr_zero(left));
    row = (row / kBits + 1) * kBits;
  }
  return rows_;
}

std::string RowIndex::Encode() const {
  std::string bytes(kMagic);
  kv::AppendOrderedU64(&bytes, kVersion);
  kv::AppendOrderedU64(&bytes, rows_);
  kv::AppendOrderedU64(&bytes, kStride);
  for (const uint64_t word : bits_) kv::AppendOrderedU64(&bytes, word);
  for (const uint64_t offset : offsets_) kv::AppendOrderedU64(&bytes, offset);
  kv::AppendOrderedU64(&bytes, Xxh3(bytes));
  return bytes;
}

absl::StatusOr<RowIndex> RowIndex::Decode(std::string_view bytes) {
  const absl::Status damaged = absl::DataLossError("damaged row index");
  constexpr size_t kFixed = kMagic.size() + 4 * sizeof(uint64_t);
  if (bytes.size() < kFixed || !bytes.starts_with(kMagic)) return damaged;
  const std::string_view checked = bytes.substr(0, bytes.size() - sizeof(uint64_t));
  std::string_view rest = bytes.substr(kMagic.size());
  uint64_t version = 0, stride = 0, sum = 0;
  RowIndex index;
  kv::ConsumeOrderedU64(&rest, &version);
  kv::ConsumeOrderedU64(&rest, &index.rows_);
  kv::ConsumeOrderedU64(&rest, &stride);
  // Words and offsets of fewer rows than bytes; more would not fit.
  if (version != kVersion || stride != kStride || index.rows_ / kBits > bytes.size()) {
    return damaged;
  }
  const uint64_t words = WordsOf(index.rows_) + OffsetsOf(index.rows_) + 1;
  if (rest.size() != words * sizeof(uint64_t)) return damaged;
  index.bits_.resize(WordsOf(index.rows_));
  index.offsets_.resize(OffsetsOf(index.rows_));
  for (uint64_t& word : index.bits_) kv::ConsumeOrderedU64(&rest, &word);
  for (uint64_t& offset : index.offsets_) kv::ConsumeOrderedU64(&rest, &offset);
  kv::ConsumeOrderedU64(&rest, &sum);
  if (sum != Xxh3(checked)) return damaged;
  return index;
}

}  // namespace limbeck::gateway
