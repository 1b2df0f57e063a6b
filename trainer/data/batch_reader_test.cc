#include "trainer/data/batch_reader.h"

#include <atomic>
#include <set>

#include <gtest/gtest.h>

#include "trainer/data/stream_for_test.h"

namespace limbeck::trainer {
namespace {

struct CountedBatch : PreparedBatch {
  std::vector<std::string> texts;
  size_t size() const override { return texts.size(); }
};

std::unique_ptr<PreparedBatch> Keep(std::span<const std::string> texts) {
  auto batch = std::make_unique<CountedBatch>();
  batch->texts.assign(texts.begin(), texts.end());
  return batch;
}

const ReopenPolicy kAtOnce{
    .max_failures = 5, .initial_delay = absl::ZeroDuration(), .max_delay = absl::ZeroDuration()};

class BatchReaderTest : public testing::Test {
 protected:
  OpenStream Opener(BatchOptions options, uint64_t fail_after = ~uint64_t{0}) {
    return [this, options, fail_after](
               uint32_t epoch,
               uint64_t position) -> absl::StatusOr<std::unique_ptr<cache::ItemStream>> {
      ++opened_;
      return std::make_unique<StreamForTest>(
          &items_,
          cache::StreamOptions{.epoch = epoch,
                               .position = position,
                               .global_batch = options.global_batch,
                               .rank = options.rank,
                               .world_size = options.world_size,
                               .epochs = options.epochs},
          fail_after);
    };
  }

  // Texts by (epoch, position of the batch), over all batches.
  std::vector<std::string> Drain(BatchReader* reader, uint64_t* batches) {
    std::vector<std::string> texts;
    while (true) {
      auto batch = reader->Next();
      if (!batch.ok()) {
        EXPECT_EQ(batch.status().code(), absl::StatusCode::kOutOfRange) << batch.status();
        return texts;
      }
      ++*batches;
      const auto& inputs = static_cast<const CountedBatch&>(*batch->inputs);
      EXPECT_EQ(inputs.texts.size(), batch->targets.size());
      EXPECT_EQ(inputs.texts.size(), batch->streams.size());
      texts.insert(texts.end(), inputs.texts.begin(), inputs.texts.end());
    }
  }

  const std::vector<cache::StreamItem> items_ = ItemsForTest(21);
  const RowDecoder decoder_{
      .reader = cache::LabelReader(cache::LabelSet::Create({{"red", {}}, {"blue", {}}}).value())};
  std::atomic<int> opened_ = 0;
};

TEST_F(BatchReaderTest, GivesEveryRowOnceAnEpochToOneRank) {
  for (const uint32_t world : {1u, 2u, 3u, 8u}) {
    std::multiset<std::string> seen;
    for (uint32_t rank = 0; rank < world; ++rank) {
      const BatchOptions options{
          .items = 21, .global_batch = 8, .rank = rank, .world_size = world, .epochs = 2};
      BatchReader reader(options, &decoder_, Opener(options), Keep, kAtOnce);
      uint64_t batches = 0;
      for (std::string& text : Drain(&reader, &batches)) seen.insert(std::move(text));
      EXPECT_EQ(batches, 6u);  // Also on ranks without rows in the short last batch.
    }
    EXPECT_EQ(seen.size(), 42u);
    for (const auto& item : items_) EXPECT_EQ(seen.count(item.example.input), 2u);
  }
}

TEST_F(BatchReaderTest, GoesOnAfterTheStreamBreaksWithoutLossOrRepeat) {
  const BatchOptions options{.items = 21, .global_batch = 4, .epochs = 2};
  BatchReader whole(options, &decoder_, Opener(options), Keep, kAtOnce);
  uint64_t batches = 0;
  const auto expected = Drain(&whole, &batches);
  opened_ = 0;
  BatchReader broken(options, &decoder_, Opener(options, /*fail_after=*/6), Keep, kAtOnce);
  EXPECT_EQ(Drain(&broken, &batches), expected);
  EXPECT_GT(opened_, 5);
}

TEST_F(BatchReaderTest, GivesUpAfterItsLimit) {
  const BatchOptions options{.items = 21, .global_batch = 4};
  BatchReader reader(options, &decoder_, Opener(options, /*fail_after=*/0), Keep, kAtOnce);
  EXPECT_EQ(reader.Next().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(opened_, 6);
}

TEST_F(BatchReaderTest, StartsAtTheCursor) {
  const BatchOptions options{
      .items = 21, .global_batch = 4, .epochs = 3, .epoch = 1, .position = 16};
  BatchReader reader(options, &decoder_, Opener(options), Keep, kAtOnce);
  const auto batch = reader.Next();
  ASSERT_TRUE(batch.ok()) << batch.status();
  EXPECT_EQ(batch->epoch, 1u);
  EXPECT_EQ(batch->position, 16u);
  EXPECT_EQ(batch->global_rows, 4u);
  EXPECT_EQ(batch->streams, (std::vector<uint64_t>{37, 38, 39, 40}));
  EXPECT_EQ(reader.Next()->global_rows, 1u);
  EXPECT_EQ(reader.Next()->epoch, 2u);
}

TEST_F(BatchReaderTest, CancelUnblocksTheConsumer) {
  const BatchOptions options{.items = 21, .global_batch = 4, .epochs = 1000000};
  BatchReader reader(options, &decoder_, Opener(options), Keep, kAtOnce);
  ASSERT_TRUE(reader.Next().ok());
  reader.Cancel();
  EXPECT_EQ(reader.Next().status().code(), absl::StatusCode::kCancelled);
}

TEST_F(BatchReaderTest, ARowWithoutDistributionIsAnErrorThatNamesIt) {
  auto items = ItemsForTest(4);
  items[2].records = {RecordForTest({{"green", 0.9}})};
  const BatchOptions options{.items = 4, .global_batch = 4};
  const auto open = [&](uint32_t, uint64_t) -> absl::StatusOr<std::unique_ptr<cache::ItemStream>> {
    return std::make_unique<StreamForTest>(&items, cache::StreamOptions{.global_batch = 4});
  };
  BatchReader reader(options, &decoder_, open, Keep, kAtOnce);
  const auto batch = reader.Next();
  EXPECT_EQ(batch.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(batch.status().message().find("row r2"), std::string::npos) << batch.status();
}

TEST_F(BatchReaderTest, TargetsCarryTheTeachersMassAndTheAskedHardLabel) {
  auto items = ItemsForTest(2);
  items[0].example.gold = "blue";
  const auto open = [&](uint32_t, uint64_t) -> absl::StatusOr<std::unique_ptr<cache::ItemStream>> {
    return std::make_unique<StreamForTest>(
        &items, cache::StreamOptions{.global_batch = 2, .sequential = true});
  };
  for (const bool gold : {false, true}) {
    BatchReader reader({.items = 2, .global_batch = 2, .gold_hard_labels = gold}, &decoder_, open,
                       Keep, kAtOnce);
    const auto batch = reader.Next();
    ASSERT_TRUE(batch.ok()) << batch.status();
    EXPECT_NEAR(batch->targets[0].probabilities[0], 0.80, 1e-6);
    EXPECT_NEAR(batch->targets[0].leftover, 0.05, 1e-6);
    EXPECT_EQ(batch->targets[0].hard_label, gold ? 1u : 0u);
  }
}

TEST_F(BatchReaderTest, GoldOutsideTheLabelsIsAnErrorThatNamesTheRow) {
  cache::StreamItem item = items_[3];
  item.example.gold = "green";
  const auto row = decoder_.Decode(item, false);
  EXPECT_EQ(row.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(row.status().message().find("row r3"), std::string::npos);
  item.example.gold.clear();
  EXPECT_EQ(decoder_.Decode(item, false)->gold, -1);
}

TEST_F(BatchReaderTest, ReadsWholeSnapshotsInStoredOrderOverBreaks) {
  const auto open = [&](uint32_t,
                        uint64_t position) -> absl::StatusOr<std::unique_ptr<cache::ItemStream>> {
    return std::make_unique<StreamForTest>(
        &items_, cache::StreamOptions{.position = position, .sequential = true}, 8);
  };
  const auto rows = ReadAllRows(decoder_, open, kAtOnce, [] { return false; });
  ASSERT_TRUE(rows.ok()) << rows.status();
  ASSERT_EQ(rows->size(), 21u);
  for (size_t i = 0; i < 21; ++i) EXPECT_EQ((*rows)[i].row_id, items_[i].example.row_id);
  EXPECT_EQ((*rows)[0].teacher_model, "teacher-of-tests");
  EXPECT_EQ(ReadAllRows(decoder_, open, kAtOnce, [] { return true; }).status().code(),
            absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace limbeck::trainer
