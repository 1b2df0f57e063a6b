#include "gateway/batches/batch_store.h"

#include <gtest/gtest.h>

#include <memory>

#include "base/kv/open.h"

namespace limbeck::gateway {
namespace {

BatchRecord Record(const std::string& owner, const std::string& id, size_t lines) {
  BatchRecord record;
  record.owner = owner;
  record.id = id;
  record.teacher = "t";
  record.input_file = "file-1";
  record.created = absl::FromUnixSeconds(1'700'000'000);
  for (size_t i = 0; i < lines; ++i) {
    record.lines.push_back({std::string(31, 'k') + static_cast<char>(i), i, 10, 20});
  }
  return record;
}

class BatchStoreTest : public testing::Test {
 protected:
  std::unique_ptr<kv::Engine> engine_ =
      kv::Open({.driver = "memory", .path = "", .tables = BatchStore::Tables()}).value();
  BatchStore store_{engine_.get()};
};

TEST_F(BatchStoreTest, GivesBackWhatWasRecordedOfAnOwner) {
  ASSERT_TRUE(store_.Create(Record("job-1", "b", 2500)).ok());
  ASSERT_TRUE(store_.Create(Record("job-1", "a", 0)).ok());
  ASSERT_TRUE(store_.Create(Record("job-12", "c", 1)).ok());
  const auto records = store_.List("job-1");
  ASSERT_TRUE(records.ok()) << records.status();
  ASSERT_EQ(records->size(), 2u);
  EXPECT_TRUE((*records)[0].lines.empty());
  const BatchRecord& big = (*records)[1];
  EXPECT_EQ(big.id, "b");
  EXPECT_EQ(big.input_file, "file-1");
  EXPECT_EQ(big.created, absl::FromUnixSeconds(1'700'000'000));
  EXPECT_EQ(big.lines, Record("job-1", "b", 2500).lines);
}

TEST_F(BatchStoreTest, AnUpdateKeepsTheLinesAndADeleteLeavesNothing) {
  BatchRecord record = Record("job-1", "b", 2000);
  ASSERT_TRUE(store_.Create(record).ok());
  record.remote_id = "batch_9";
  record.attempt = 3;
  ASSERT_TRUE(store_.Update(record).ok());
  const auto records = store_.List("job-1");
  ASSERT_TRUE(records.ok());
  EXPECT_EQ(records->at(0).remote_id, "batch_9");
  EXPECT_EQ(records->at(0).tag(), "b-3");
  EXPECT_EQ(records->at(0).lines.size(), 2000u);
  ASSERT_TRUE(store_.Delete(record).ok());
  ASSERT_TRUE(store_.Delete(record).ok());
  EXPECT_TRUE(store_.List("job-1")->empty());
}

TEST_F(BatchStoreTest, DamagedRowsAreNamedNotBelieved) {
  EXPECT_TRUE(absl::IsDataLoss(DecodeHead("o", "b", "{").status()));
  EXPECT_TRUE(absl::IsDataLoss(DecodeHead("o", "b", R"({"teacher":1})").status()));
  std::vector<BatchLine> lines;
  EXPECT_TRUE(absl::IsDataLoss(DecodeLines("short", &lines)));
}

TEST(BatchRecordTest, CustomIdsTellClaimsApartAndNothingOfTheirKeys) {
  const BatchLine line = {std::string(32, 'k'), 7, 10, 20};
  BatchLine later = line;
  later.fence = 8;
  EXPECT_EQ(CustomId(line).size(), 32u);
  EXPECT_EQ(CustomId(line), CustomId(line));
  EXPECT_NE(CustomId(line), CustomId(later));
}

}  // namespace
}  // namespace limbeck::gateway
