#include "gateway/jobs/row_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gateway/jobs/dataset_test_world.h"
#include "gateway/templates/rows/compress_for_test.h"

namespace limbeck::gateway {
namespace {

using ::testing::ElementsAre;

class RowIndexTest : public ::testing::Test {
 protected:
  std::shared_ptr<const RowIndex> Open(const RowIndexSpec& spec) {
    auto index = RowIndex::Open(world_.datasets(), spec);
    EXPECT_TRUE(index.ok()) << index.status();
    return *std::move(index);
  }
  static std::vector<uint64_t> Rows(const RowIndex& index) {
    std::vector<uint64_t> rows;
    for (uint64_t row = 0; (row = index.NextFrom(row)) < index.rows(); ++row) rows.push_back(row);
    return rows;
  }
  RowIndexSpec Repeating() {
    return {.dataset_id =
                world_
                    .Store({R"({"text": "A  cat"})", R"({"text": "dog"})", R"({"text": " a CAT "})",
                            R"({"no": "text"})", R"({"no": "text"})", R"({"text": "dog"})"})
                    .id(),
            .column = "text"};
  }

  DatasetTestWorld world_;
};

TEST_F(RowIndexTest, LooksAtTheFirstRowOfEveryTextAndAtAllWithout) {
  EXPECT_THAT(Rows(*Open(Repeating())), ElementsAre(0, 1, 3, 4));
}

TEST_F(RowIndexTest, LeavesOutTextsOfAnotherDataset) {
  RowIndexSpec spec = Repeating();
  spec.excluded = {{world_.Store({R"({"text": "DOG"})", R"({"text": "fox"})"}).id(), std::nullopt}};
  EXPECT_THAT(Rows(*Open(spec)), ElementsAre(0, 3, 4));
  // At so small a share the split trains on both, at so large a one on neither.
  spec.excluded[0].split = SplitSpec{.held_out = 1e-9};
  EXPECT_THAT(Rows(*Open(spec)), ElementsAre(0, 1, 3, 4));
  spec.excluded[0].split = SplitSpec{.validation = 0.89999, .held_out = 0.1};
  EXPECT_THAT(Rows(*Open(spec)), ElementsAre(0, 3, 4));
  spec.excluded.push_back({world_.Store({R"({"text": "a cat"})"}).id(), std::nullopt});
  EXPECT_THAT(Rows(*Open(spec)), ElementsAre(3, 4));
}

TEST_F(RowIndexTest, KnowsWhereRowsBeginInPlainAndCompressedFiles) {
  std::string file;
  const uint64_t rows = RowIndex::kStride + 10;
  for (uint64_t row = 0; row < rows; ++row) absl::StrAppend(&file, "{\"text\":\"", row, "\"}\n");
  for (const std::string& stored : {file, ZstdForTest(file)}) {
    const v1::Dataset dataset = world_.StoreFile(stored, v1::DATASET_FORMAT_JSONL);
    const auto index = Open({.dataset_id = dataset.id(), .column = "text"});
    EXPECT_EQ(index->rows(), rows);
    EXPECT_EQ(index->OffsetNear(5), 0u);
    const auto reader = world_.datasets().OpenRows(dataset, "").value();
    reader->StartAt(RowIndex::kStride, index->OffsetNear(RowIndex::kStride + 3));
    EXPECT_EQ(reader->Next().value()->columns,
              absl::StrCat("{\"text\":\"", RowIndex::kStride, "\"}"));
  }
}

TEST_F(RowIndexTest, IsKeptAndMadeAgainWhereItIsDamaged) {
  const RowIndexSpec spec = Repeating();
  const std::string bytes = Open(spec)->Encode();
  const std::filesystem::path folder =
      world_.datasets().DerivedPath(spec.dataset_id, "x").parent_path();
  std::vector<std::filesystem::path> kept;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().filename().string().find(".rows-") != std::string::npos) {
      kept.push_back(entry.path());
    }
  }
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(ReadFile(kept[0]).value(), bytes);
  ASSERT_TRUE(WriteFileDurably(kept[0], bytes.substr(1)).ok());
  EXPECT_EQ(Open(spec)->Encode(), bytes);
  EXPECT_EQ(ReadFile(kept[0]).value(), bytes);
}

TEST_F(RowIndexTest, BytesAreAsDocumented) {
  const std::string row = "{\"text\": \"a\"}";
  const v1::Dataset dataset = world_.Store({row, row, "{\"text\": \"b\"}"});
  const std::string bytes = Open({.dataset_id = dataset.id(), .column = "text"})->Encode();
  ASSERT_EQ(bytes.size(), 56u);
  EXPECT_EQ(HexEncode(bytes.substr(0, 48)),
            "4c4d424b524f5753000000000000000100000000000000030000000000010000"
            "fffffffffffffffd0000000000000000");
}

TEST_F(RowIndexTest, DamagedBytesAreRefused) {
  const std::string bytes = Open(Repeating())->Encode();
  EXPECT_EQ(RowIndex::Decode(bytes)->Encode(), bytes);
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x40);
    EXPECT_FALSE(RowIndex::Decode(flipped).ok()) << at;
    EXPECT_FALSE(RowIndex::Decode(bytes.substr(0, at)).ok()) << at;
  }
  EXPECT_FALSE(RowIndex::Decode(bytes + "x").ok());
}

TEST_F(RowIndexTest, ADatasetThatIsNotThereIsNamed) {
  EXPECT_TRUE(absl::IsNotFound(
      RowIndex::Open(world_.datasets(), {.dataset_id = "sha256:none", .column = "t"}).status()));
}

}  // namespace
}  // namespace limbeck::gateway
