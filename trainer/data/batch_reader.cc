#include "trainer/data/batch_reader.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/backoff.h"
#include "base/status.h"

namespace limbeck::trainer {

BatchReader::BatchReader(const BatchOptions& options, const RowDecoder* decoder, OpenStream open,
                         Prepare prepare, const ReopenPolicy& policy)
    : options_(options),
      decoder_(decoder),
      open_(std::move(open)),
      prepare_(std::move(prepare)),
      policy_(policy),
      queue_(options.queue_batches),
      thread_([this] { Run(); }) {}

BatchReader::~BatchReader() {
  Cancel();
  thread_.join();
}

void BatchReader::Cancel() {
  std::shared_ptr<cache::ItemStream> stream;
  {
    absl::MutexLock lock(&mu_);
    cancelled_ = true;
    stream = stream_;
  }
  queue_.Close();
  if (stream != nullptr) stream->Cancel();
}

absl::StatusOr<RowBatch> BatchReader::Next() {
  auto batch = queue_.Pop();
  if (cancelled()) return absl::CancelledError("stopped while waiting for a batch");
  if (!batch.has_value()) return absl::OutOfRangeError("no further batches");
  return std::move(*batch);
}

void BatchReader::Run() {
  uint64_t position = options_.position;
  for (uint32_t epoch = options_.epoch; epoch < options_.epochs; ++epoch, position = 0) {
    for (; position < options_.items; position += options_.global_batch) {
      auto batch = ReadBatch(epoch, position);
      const bool ok = batch.ok();
      if (!queue_.Push(std::move(batch)) || !ok) {
        queue_.Close();
        return;
      }
    }
  }
  queue_.Close();
}

absl::Status BatchReader::OpenAt(uint32_t epoch, uint64_t position) {
  auto stream = open_(epoch, position);
  LIMBECK_RETURN_IF_ERROR(stream.status());
  absl::MutexLock lock(&mu_);
  if (cancelled_) return absl::CancelledError("stopped");
  stream_ = std::move(*stream);
  ended_ = false;
  return absl::OkStatus();
}

absl::StatusOr<RowBatch> BatchReader::ReadBatch(uint32_t epoch, uint64_t position) {
  Backoff backoff({.initial = policy_.initial_delay, .max = policy_.max_delay},
                  StableRandom(options_.rank, position));
  for (uint32_t failures = 0;;) {
    std::vector<Item> items;
    const absl::Status status = FillBatch(epoch, position, &items);
    if (status.ok()) return Decode(epoch, position, items);
    if (!absl::IsUnavailable(status) || ++failures > policy_.max_failures || cancelled()) {
      return status;
    }
    {
      absl::MutexLock lock(&mu_);
      stream_.reset();
    }
    ahead_.clear();
    policy_.clock->SleepFor(backoff.Next());
  }
}

absl::Status BatchReader::FillBatch(uint32_t epoch, uint64_t position, std::vector<Item>* items) {
  std::shared_ptr<cache::ItemStream> stream;
  const auto current = [this] {
    absl::MutexLock lock(&mu_);
    return stream_;
  };
  if ((stream = current()) == nullptr) {
    LIMBECK_RETURN_IF_ERROR(OpenAt(epoch, position));
    stream = current();
  }
  const uint64_t end = std::min<uint64_t>(options_.items, position + options_.global_batch);
  const bool full = end - position == options_.global_batch;
  const uint64_t b = options_.global_batch;
  const uint64_t share =
      (options_.rank + 1) * b / options_.world_size - options_.rank * b / options_.world_size;
  // A full batch is known to be complete by its count; a short one only by what follows it.
  while (!full || items->size() < share) {
    if (ahead_.empty() && !ended_) {
      auto item = stream->Next();
      if (absl::IsOutOfRange(item.status())) {
        ended_ = true;
      } else {
        LIMBECK_RETURN_IF_ERROR(item.status());
        ahead_.push_back(std::move(*item));
      }
    }
    if (ahead_.empty()) break;
    const Item& next = ahead_.front();
    if (next.epoch < epoch || (next.epoch == epoch && next.position < position)) {
      return absl::DataLossError(absl::StrCat("stream went back to epoch ", next.epoch,
                                              " position ", next.position, " at ", position));
    }
    if (next.epoch > epoch || next.position >= end) break;
    items->push_back(std::move(ahead_.front()));
    ahead_.clear();
  }
  if (full && items->size() != share) {
    return absl::DataLossError(absl::StrCat("stream gave ", items->size(), " of ", share,
                                            " items of the batch at epoch ", epoch, " position ",
                                            position));
  }
  return absl::OkStatus();
}

absl::StatusOr<RowBatch> BatchReader::Decode(uint32_t epoch, uint64_t position,
                                             const std::vector<Item>& items) const {
  RowBatch batch{
      .epoch = epoch,
      .position = position,
      .global_rows = std::min<uint64_t>(options_.global_batch, options_.items - position)};
  std::vector<std::string> texts;
  for (const Item& item : items) {
    LIMBECK_ASSIGN_OR_RETURN(TeacherRow row, decoder_->Decode(item, /*with_noise=*/true));
    const size_t best = row.teacher.Best();
    batch.targets.push_back(
        {.probabilities = std::move(row.teacher.probabilities),
         .leftover = row.teacher.leftover,
         .hard_label = options_.gold_hard_labels ? static_cast<size_t>(row.gold) : best});
    batch.streams.push_back(uint64_t{item.epoch} * options_.items + item.position);
    texts.push_back(std::move(row.text));
  }
  batch.inputs = prepare_(texts);
  return batch;
}

}  // namespace limbeck::trainer
