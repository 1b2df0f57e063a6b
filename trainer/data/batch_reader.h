// Turns a worker's share of the stream into batches, ahead of the training thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/bounded_queue.h"
#include "trainer/data/teacher_row.h"
#include "trainer/objectives/distillation_loss.h"
#include "trainer/students/student.h"

namespace limbeck::trainer {

// This rank's rows of one optimiser step; may be none in an epoch's short last batch.
struct RowBatch {
  uint32_t epoch = 0;
  uint64_t position = 0;     // First item of the global batch within the epoch.
  uint64_t global_rows = 0;  // Items of the global batch, over all ranks.
  std::vector<RowTarget> targets;
  std::vector<uint64_t> streams;  // Random stream per row: epoch and position.
  std::unique_ptr<PreparedBatch> inputs;
};

struct BatchOptions {
  uint64_t items = 0;         // Of the snapshot.
  uint32_t global_batch = 1;  // ≥ 1.
  uint32_t rank = 0;
  uint32_t world_size = 1;
  uint32_t epochs = 1;
  // Where to start; `position` is a multiple of global_batch.
  uint32_t epoch = 0;
  uint64_t position = 0;
  bool gold_hard_labels = false;
  // Batches prepared ahead.
  size_t queue_batches = 8;
};

// One consumer thread; owns one thread that reads, decodes and prepares.
class BatchReader {
 public:
  using Prepare = std::function<std::unique_ptr<PreparedBatch>(std::span<const std::string> texts)>;

  // `decoder` must outlive this; `prepare` is called on the reading thread.
  BatchReader(const BatchOptions& options, const RowDecoder* decoder, OpenStream open,
              Prepare prepare, const ReopenPolicy& policy);
  ~BatchReader();

  // Batches in order of (epoch, position), each exactly once; OUT_OF_RANGE after the last epoch.
  // DATA_LOSS when the stream gives items out of order or ends early. A stream that breaks is
  // opened again at the first item not yet in a batch.
  absl::StatusOr<RowBatch> Next();

  // Makes Next return CANCELLED; from any thread.
  void Cancel();

 private:
  using Item = cache::StreamItem;
  void Run();
  absl::StatusOr<RowBatch> ReadBatch(uint32_t epoch, uint64_t position);
  absl::Status FillBatch(uint32_t epoch, uint64_t position, std::vector<Item>* items);
  absl::Status OpenAt(uint32_t epoch, uint64_t position);
  absl::StatusOr<RowBatch> Decode(uint32_t epoch, uint64_t position,
                                  const std::vector<Item>& items) const;
  bool cancelled() const {
    absl::MutexLock lock(&mu_);
    return cancelled_;
  }

  const BatchOptions options_;
  const RowDecoder* const decoder_;
  const OpenStream open_;
  const Prepare prepare_;
  const ReopenPolicy policy_;

  // Used by the reading thread alone.
  std::vector<Item> ahead_;  // An item read past its batch: none or one.
  bool ended_ = false;       // The stream gave its last item.

  BoundedQueue<absl::StatusOr<RowBatch>> queue_;
  mutable absl::Mutex mu_;
  std::shared_ptr<cache::ItemStream> stream_ ABSL_GUARDED_BY(mu_);
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace limbeck::trainer
