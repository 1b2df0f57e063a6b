// Which rows of a dataset a job looks at, and where they stand in the file: made once per dataset,
// kept beside it, and made again where it was lost.
// Format: docs/formats/row-index.md.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/expansion/split.h"
#include "gateway/jobs/dataset_store.h"

namespace limbeck::gateway {

struct RowIndexSpec {
  std::string dataset_id;
  // Column whose texts count once: of rows with equal texts the first is looked at.
  std::string column;
  // Texts whose rows are not looked at: those of a dataset, all or, with a split, those that it
  // does not train on.
  struct Exclusion {
    std::string dataset_id;
    std::optional<SplitSpec> split;
  };
  std::vector<Exclusion> excluded;
};

// Immutable, thread-safe. Memory: a bit per row, and 8 bytes per 65,536 rows.
class RowIndex {
 public:
  static constexpr uint64_t kStride = 65'536;

  // The kept one, or made by reading the datasets once, in little memory (repeat_finder.h).
  static absl::StatusOr<std::shared_ptr<const RowIndex>> Open(const DatasetStore& datasets,
                                                              const RowIndexSpec& spec);

  uint64_t rows() const { return rows_; }
  // The first row at `row` or after it that is looked at; rows() where there is none. Rows that
  // cannot be read are, so that somebody hears of them.
  uint64_t NextFrom(uint64_t row) const;
  // Byte offset of the row `row` / kStride × kStride.
  uint64_t OffsetNear(uint64_t row) const { return offsets_[row / kStride]; }

  std::string Encode() const;
  // DATA_LOSS for anything that Encode does not write.
  static absl::StatusOr<RowIndex> Decode(std::string_view bytes);

 private:
  RowIndex() = default;
  static absl::StatusOr<RowIndex> Make(const DatasetStore& datasets, const RowIndexSpec& spec);

  uint64_t rows_ = 0;
  std::vector<uint64_t> bits_;
  std::vector<uint64_t> offsets_;
};

}  // namespace limbeck::gateway
