// The rows of a job in a fixed order, each with its part: the same walk serves quote, harvest and
// snapshots, so that they agree about every row.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "gateway/expansion/split.h"
#include "gateway/jobs/dataset_store.h"
#include "gateway/jobs/row_index.h"
#include "gateway/templates/rows/row.h"
#include "gateway/templates/rows/row_reader.h"
#include "limbeck/v1/job.pb.h"

namespace limbeck::gateway {

struct JobRow {
  DatasetPart part = DatasetPart::kTrain;
  std::string dataset;  // "train", "held_out" or "pool": the file it stands in.
  uint64_t number = 0;  // In its file, from 1.
  uint64_t place = 0;   // In the walk, from 0: RowWalk::places.
  Row row;
  std::string input;       // What the student reads.
  uint64_t text_hash = 0;  // Of the folded input: equal for texts that count as equal.
};

// Which rows a walk gives.
enum class WalkPart {
  kAll,        // Held-out rows first: they decide the verdict and are bought first.
  kTrainFile,  // The train file's rows in file order, for the smoke phase.
  kTrain,
  kValidation,
  kHeldOut,
  kPool,  // The file of data.expansion.few_shot.pool: rows whose text evaluates nothing.
};

// One pass. Equal texts (but for ASCII case and whitespace) are given once per part; a text that is
// held out is never trained on. Which rows that leaves is kept beside the datasets (row_index.h),
// so that a walk may begin anywhere; a bit per row is all that grows with them. One thread.
class RowWalk {
 public:
  // `spec` has its defaults filled in. Datasets must be stored.
  static absl::StatusOr<std::unique_ptr<RowWalk>> Open(const DatasetStore& datasets,
                                                       const v1::JobSpec& spec, WalkPart part);

  // The row's gold label; empty where it has none.
  std::string GoldOf(const JobRow& row) const;

  // The next row; nullopt at the end. INVALID_ARGUMENT for a row that cannot be used, naming
  // dataset and row; the call after it goes on with the next.
  absl::StatusOr<std::optional<JobRow>> Next();

  // Rows of all files that are read, one after the other; a file read twice counts twice. Some
  // places have no row to give.
  uint64_t places() const;
  // Makes the first row at `place` or after it the next one. `place` is at most places(). What lies
  // before is not looked at, though a compressed file is decompressed up to there.
  absl::Status Seek(uint64_t place);

 private:
  // One reading of one file.
  struct Pass {
    enum class File { kTrain, kHeldOut, kPool };
    File file = File::kTrain;
    bool held_out = false;
    bool train = false;
    bool validation = false;
    std::shared_ptr<const RowIndex> index = nullptr;
    uint64_t first_place = 0;
  };

  RowWalk(const DatasetStore& datasets, const v1::JobSpec& spec, Split split)
      : datasets_(datasets), spec_(spec), split_(split) {}
  void PlanPasses(WalkPart part);
  const std::string& DatasetOf(Pass::File file) const;
  absl::Status OpenIndexes();
  absl::Status OpenPass(size_t pass);
  absl::StatusOr<std::optional<JobRow>> Use(const Pass& pass, Row row);

  const DatasetStore& datasets_;
  const v1::JobSpec spec_;
  const Split split_;
  std::vector<Pass> passes_;
  size_t pass_ = 0;
  // Null behind the last pass.
  std::unique_ptr<RowReader> reader_;
};

}  // namespace limbeck::gateway
