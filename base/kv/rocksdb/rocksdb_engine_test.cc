#include "base/kv/rocksdb/rocksdb_engine.h"

#include <limits>

#include "base/kv/engine_conformance.h"

namespace limbeck::kv {
namespace {

INSTANTIATE_TEST_SUITE_P(Drivers, EngineConformanceTest,
                         testing::Values(EngineFactory{"rocksdb", OpenRocksdbEngine, true}),
                         EngineFactoryName);

OpenOptions OptionsIn(const ScopedTempDirectory& dir, std::vector<std::string> tables) {
  OpenOptions options;
  options.path = (dir.path() / "deep" / "db").string();
  options.tables = std::move(tables);
  return options;
}

TEST(RocksdbEngineTest, SecondOpenIsRefusedWithTheFolderAndAdvice) {
  const ScopedTempDirectory dir;
  const OpenOptions options = OptionsIn(dir, {"a"});
  auto first = OpenRocksdbEngine(options);
  ASSERT_TRUE(first.ok()) << first.status();
  const absl::Status status = OpenRocksdbEngine(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_NE(status.message().find(options.path), std::string::npos);
  EXPECT_NE(status.message().find("stop that process"), std::string::npos);
  first->reset();
  EXPECT_TRUE(OpenRocksdbEngine(options).ok());
}

TEST(RocksdbEngineTest, OpensWithTablesAddedAndWithTablesLeftOut) {
  const ScopedTempDirectory dir;
  WriteBatch batch;
  batch.Put("a", "k", "v");
  ASSERT_TRUE((*OpenRocksdbEngine(OptionsIn(dir, {"a"})))->Write(batch).ok());
  {
    auto other = OpenRocksdbEngine(OptionsIn(dir, {"b"}));
    ASSERT_TRUE(other.ok()) << other.status();
    EXPECT_EQ((*other)->Get("a", "k").status().code(), absl::StatusCode::kNotFound);
  }
  auto both = OpenRocksdbEngine(OptionsIn(dir, {"b", "a"}));
  ASSERT_TRUE(both.ok()) << both.status();
  EXPECT_EQ((*both)->Get("a", "k").value(), "v");
  EXPECT_EQ((*both)->Get("b", "k").value(), std::nullopt);
}

TEST(RocksdbEngineTest, WriteThatWouldEatTheReserveIsRefusedAndReadsGoOn) {
  const ScopedTempDirectory dir;
  OpenOptions options = OptionsIn(dir, {"a"});
  WriteBatch batch;
  batch.Put("a", "k", "v");
  ASSERT_TRUE((*OpenRocksdbEngine(options))->Write(batch).ok());
  options.min_free_bytes = std::numeric_limits<uint64_t>::max();
  auto engine = OpenRocksdbEngine(options);
  ASSERT_TRUE(engine.ok());
  const absl::Status status = (*engine)->Write(batch);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_NE(status.message().find("min_free_bytes"), std::string::npos);
  EXPECT_EQ((*engine)->Get("a", "k").value(), "v");
}

TEST(RocksdbEngineTest, DamagedDatabaseIsDataLoss) {
  const ScopedTempDirectory dir;
  const OpenOptions options = OptionsIn(dir, {"a"});
  ASSERT_TRUE(OpenRocksdbEngine(options).ok());
  for (const auto& entry : std::filesystem::directory_iterator(options.path)) {
    if (entry.path().filename().string().find("MANIFEST") == 0) {
      ASSERT_TRUE(WriteFileDurably(entry.path(), std::string(4096, 'x')).ok());
    }
  }
  EXPECT_EQ(OpenRocksdbEngine(options).status().code(), absl::StatusCode::kDataLoss);
}

TEST(RocksdbEngineTest, FileInPlaceOfTheFolderIsAnErrorThatNamesIt) {
  const ScopedTempDirectory dir;
  OpenOptions options = OptionsIn(dir, {"a"});
  options.path = (dir.path() / "file").string();
  ASSERT_TRUE(WriteFileDurably(options.path, "x").ok());
  const absl::Status status = OpenRocksdbEngine(options).status();
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find(options.path), std::string::npos) << status;
}

TEST(RocksdbEngineTest, EmptyPathIsRefused) {
  OpenOptions options;
  options.tables = {"a"};
  EXPECT_EQ(OpenRocksdbEngine(options).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace limbeck::kv
