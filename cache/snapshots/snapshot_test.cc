#include <gtest/gtest.h>

#include <set>

#include "base/file.h"
#include "base/kv/open.h"
#include "cache/snapshots/directory/directory_pack_store.h"
#include "cache/snapshots/item_codec.h"
#include "cache/snapshots/snapshot_reader.h"
#include "cache/snapshots/snapshot_writer.h"

namespace limbeck::cache {
namespace {

class SnapshotTest : public testing::Test {
 protected:
  SnapshotTest() : store_(*OpenDirectoryPackStore(directory_.path())) {
    kv::OpenOptions options;
    options.driver = "memory";
    options.tables = {std::string(kSnapshotTable)};
    engine_ = *kv::Open(options);
  }

  Manifest Write(int items, const std::string& domain = "team/a", size_t record_bytes = 200'000) {
    SnapshotWriter writer(engine_.get(), store_.get(), &clock_, domain, "rows");
    for (int i = 0; i < items; ++i) {
      EXPECT_TRUE(writer
                      .Add({std::to_string(i), "input", "", 0},
                           {std::string(record_bytes, static_cast<char>(i))})
                      .ok());
    }
    auto manifest = writer.Finish();
    EXPECT_TRUE(manifest.ok()) << manifest.status();
    return *manifest;
  }

  ScopedTempDirectory directory_;
  std::unique_ptr<PackStore> store_;
  std::unique_ptr<kv::Engine> engine_;
  FakeClock clock_;
};

TEST_F(SnapshotTest, CutsItemsIntoPacksOfAboutFourMebibytes) {
  const Manifest manifest = Write(100);
  EXPECT_EQ(manifest.items, 100u);
  EXPECT_EQ(manifest.packs.size(), 5u);
  EXPECT_EQ(manifest.packs[0].items, 20u);
  const auto read = ReadManifest(*engine_, manifest.id);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(EncodeManifest(*read), EncodeManifest(manifest));
}

TEST_F(SnapshotTest, TheSameListGivesTheSameSnapshot) {
  const Manifest first = Write(10);
  clock_.Advance(absl::Hours(1));
  const Manifest second = Write(10);
  EXPECT_EQ(first.id, second.id);
  EXPECT_EQ(first.create_micros, second.create_micros);
  EXPECT_NE(first.id, Write(11).id);
  EXPECT_NE(first.id, Write(10, "team/b").id);
}

TEST_F(SnapshotTest, ReadsEveryItemOnceInAnyOrder) {
  const auto manifest = std::make_shared<Manifest>(Write(100));
  PackCache packs(store_.get(), 9u << 20);
  for (const bool sequential : {true, false}) {
    SnapshotReader reader(manifest, &packs, 1, sequential);
    std::set<std::string> rows;
    for (uint64_t position = 0; position < reader.size(); ++position) {
      auto stored = reader.Item(0, position);
      ASSERT_TRUE(stored.ok()) << stored.status();
      const auto item = DecodeItem(&stored->bytes);
      ASSERT_TRUE(item.ok());
      EXPECT_TRUE(!sequential || item->example.row_id == std::to_string(position));
      rows.insert(item->example.row_id);
    }
    EXPECT_EQ(rows.size(), 100u);
    EXPECT_EQ(reader.Item(0, 100).status().code(), absl::StatusCode::kOutOfRange);
  }
  EXPECT_LE(packs.stats().bytes, 9u << 20);
}

TEST_F(SnapshotTest, UnknownAndEmptySnapshotsAreRefused) {
  EXPECT_EQ(ReadManifest(*engine_, std::string(64, 'a')).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(ReadManifest(*engine_, "x").status().code(), absl::StatusCode::kInvalidArgument);
  SnapshotWriter writer(engine_.get(), store_.get(), &clock_, "team/a", "");
  EXPECT_EQ(writer.Finish().status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(SnapshotTest, ADamagedManifestIsDataLoss) {
  const std::string bytes = EncodeManifest(Write(3));
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] ^= 4;
    EXPECT_EQ(DecodeManifest(damaged).status().code(), absl::StatusCode::kDataLoss);
    EXPECT_FALSE(DecodeManifest(bytes.substr(0, i)).ok());
  }
}

TEST_F(SnapshotTest, ADamagedPackIsNamed) {
  const auto manifest = std::make_shared<Manifest>(Write(3));
  const std::string& name = manifest->packs[0].name;
  ASSERT_TRUE(
      WriteFileDurably(directory_.path() / name.substr(0, 2) / (name + ".pack"), "junk").ok());
  PackCache packs(store_.get(), 1u << 20);
  SnapshotReader reader(manifest, &packs, 1, false);
  const absl::Status status = reader.Item(0, 0).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(std::string(status.message()).find(name), std::string::npos);
}

}  // namespace
}  // namespace limbeck::cache
