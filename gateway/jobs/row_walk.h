// The rows of a job in a fixed order, each with its part: the same walk serves quote, harvest and
// snapshots, so that they agree about every row.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "gateway/expansion/split.h"
#include "gateway/jobs/dataset_store.h"
#include "gateway/templates/rows/row.h"
#include "gateway/templates/rows/row_reader.h"
#include "limbeck/v1/job.pb.h"

namespace limbeck::gateway {

struct JobRow {
  DatasetPart part = DatasetPart::kTrain;
  std::string dataset;  // "train", "held_out" or "pool": the file it stands in.
  uint64_t number = 0;  // In its file, from 1.
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
  kPool,  // The file of data.expansion.few_shot.pool: rows whose text is not held out.
};

// One pass. Equal texts (but for ASCII case and whitespace) are given once per part; a text that is
// held out is never trained on. Memory: 8 bytes per distinct text for that; nothing else grows with
// the rows. One thread.
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

 private:
  // One reading of one file.
  struct Pass {
    enum class File { kTrain, kHeldOut, kPool };
    File file = File::kTrain;
    bool held_out = false;
    bool train = false;
    bool validation = false;
  };

  RowWalk(const DatasetStore& datasets, const v1::JobSpec& spec, Split split)
      : datasets_(datasets), spec_(spec), split_(split) {}
  void PlanPasses(WalkPart part);
  absl::Status LoadHeldOutTexts();
  absl::StatusOr<std::unique_ptr<RowReader>> OpenFile(Pass::File file,
                                                      const std::string& id_column) const;
  absl::StatusOr<bool> NextPass();
  absl::StatusOr<std::optional<JobRow>> Use(const Pass& pass, Row row);

  const DatasetStore& datasets_;
  const v1::JobSpec spec_;
  const Split split_;
  std::vector<Pass> passes_;
  size_t next_pass_ = 0;
  std::unique_ptr<RowReader> reader_;
  // Hashes of folded texts.
  absl::flat_hash_set<uint64_t> held_out_texts_;
  absl::flat_hash_set<uint64_t> seen_;
};

// The text as it is compared: ASCII lower case, runs of whitespace as one space, none at the ends.
std::string FoldText(std::string_view text);

}  // namespace limbeck::gateway
