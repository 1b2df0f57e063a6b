#include "base/kv/engine_conformance.h"

#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"

namespace limbeck::kv {

std::string EngineFactoryName(const testing::TestParamInfo<EngineFactory>& info) {
  return info.param.name;
}

void EngineConformanceTest::SetUp() { Reopen(); }

OpenOptions EngineConformanceTest::Options() const {
  OpenOptions options;
  options.path = (dir_.path() / "db").string();
  options.tables = {"a", "b"};
  options.max_batch_bytes = kMaxBatchBytes;
  return options;
}

void EngineConformanceTest::Reopen() {
  engine_.reset();
  auto engine = GetParam().open(Options());
  ASSERT_TRUE(engine.ok()) << engine.status();
  engine_ = std::move(engine).value();
}

void EngineConformanceTest::Put(std::string_view table, std::string_view key,
                                std::string_view value) {
  WriteBatch batch;
  batch.Put(table, key, value);
  const absl::Status status = engine_->Write(batch);
  ASSERT_TRUE(status.ok()) << status;
}

void EngineConformanceTest::Delete(std::string_view table, std::string_view key) {
  WriteBatch batch;
  batch.Delete(table, key);
  const absl::Status status = engine_->Write(batch);
  ASSERT_TRUE(status.ok()) << status;
}

std::string EngineConformanceTest::Get(const Reader& reader, std::string_view table,
                                       std::string_view key) {
  const auto value = reader.Get(table, key);
  if (!value.ok()) return value.status().ToString();
  return value->value_or("(none)");
}

EngineConformanceTest::Pairs EngineConformanceTest::Scan(const Reader& reader,
                                                         std::string_view table,
                                                         std::string_view begin,
                                                         std::string_view end) {
  Pairs pairs;
  auto scan = reader.Scan(table, begin, end);
  EXPECT_TRUE(scan.ok()) << scan.status();
  if (!scan.ok()) return pairs;
  for (Iterator& it = **scan; it.Valid(); it.Next()) pairs.emplace_back(it.key(), it.value());
  EXPECT_TRUE((*scan)->status().ok()) << (*scan)->status();
  return pairs;
}

namespace {

TEST_P(EngineConformanceTest, ReadsBackWhatWasWrittenAndNothingElse) {
  Put("a", "k", "v");
  EXPECT_EQ(Get(*engine_, "a", "k"), "v");
  EXPECT_EQ(Get(*engine_, "a", "other"), "(none)");
  EXPECT_EQ(Get(*engine_, "b", "k"), "(none)");
  Put("a", "k", "w");
  EXPECT_EQ(Get(*engine_, "a", "k"), "w");
  Delete("a", "k");
  EXPECT_EQ(Get(*engine_, "a", "k"), "(none)");
}

TEST_P(EngineConformanceTest, KeepsAnyBytesInKeysAndValues) {
  const std::string bytes("\x00\xff\x01\n", 4);
  Put("a", bytes, bytes);
  Put("a", "empty", "");
  EXPECT_EQ(Get(*engine_, "a", bytes), bytes);
  EXPECT_EQ(Get(*engine_, "a", "empty"), "");
}

TEST_P(EngineConformanceTest, MultiGetAnswersInTheOrderOfTheKeys) {
  Put("a", "1", "one");
  Put("a", "3", "three");
  const auto values = engine_->MultiGet("a", {"3", "2", "1", "3"});
  ASSERT_TRUE(values.ok()) << values.status();
  const std::vector<std::optional<std::string>> expected = {"three", std::nullopt, "one", "three"};
  EXPECT_EQ(*values, expected);
  EXPECT_TRUE(engine_->MultiGet("a", {})->empty());
}

TEST_P(EngineConformanceTest, ScansInUnsignedByteOrder) {
  for (const char* key : {"\xff", "\x7f", "b", "ab", "a", "\x80"}) Put("a", key, "v");
  const Pairs expected = {{"a", "v"},    {"ab", "v"},   {"b", "v"},
                          {"\x7f", "v"}, {"\x80", "v"}, {"\xff", "v"}};
  EXPECT_EQ(Scan(*engine_, "a"), expected);
}

TEST_P(EngineConformanceTest, ScanIncludesItsBeginAndExcludesItsEnd) {
  for (const char* key : {"a", "b", "c", "d"}) Put("a", key, key);
  EXPECT_EQ(Scan(*engine_, "a", "b", "d"), (Pairs{{"b", "b"}, {"c", "c"}}));
  EXPECT_EQ(Scan(*engine_, "a", "bb", "cc"), (Pairs{{"c", "c"}}));
  EXPECT_EQ(Scan(*engine_, "a", "c", ""), (Pairs{{"c", "c"}, {"d", "d"}}));
  EXPECT_TRUE(Scan(*engine_, "a", "e", "").empty());
  EXPECT_TRUE(Scan(*engine_, "a", "b", "b").empty());
  EXPECT_TRUE(Scan(*engine_, "a", "c", "b").empty());
  EXPECT_TRUE(Scan(*engine_, "b").empty());
}

TEST_P(EngineConformanceTest, ScansAPrefixWithPrefixEnd) {
  for (const char* key : {"p", "p\xff", "p\xff\xff", "q", "o"}) Put("a", key, "");
  EXPECT_EQ(Scan(*engine_, "a", "p", PrefixEnd("p")).size(), 3u);
  EXPECT_EQ(Scan(*engine_, "a", "p\xff", PrefixEnd("p\xff")).size(), 2u);
}

TEST_P(EngineConformanceTest, ScanSeesNeitherLaterWritesNorLaterDeletes) {
  for (int i = 0; i < 100; ++i) Put("a", absl::StrCat("k", i + 100), "old");
  auto scan = engine_->Scan("a", "", "");
  ASSERT_TRUE(scan.ok());
  size_t seen = 0;
  for (Iterator& it = **scan; it.Valid(); it.Next(), ++seen) {
    EXPECT_EQ(it.value(), "old");
    Delete("a", absl::StrCat("k", seen + 100));
    Put("a", absl::StrCat("k", seen + 101, "x"), "new");
  }
  EXPECT_EQ(seen, 100u);
  EXPECT_TRUE((*scan)->status().ok());
  EXPECT_EQ(Scan(*engine_, "a").size(), 100u);
}

TEST_P(EngineConformanceTest, AppliesTheOperationsOfABatchInOrder) {
  WriteBatch batch;
  batch.Put("a", "k", "1");
  batch.Delete("a", "k");
  batch.Put("b", "k", "1");
  batch.Put("b", "k", "2");
  ASSERT_TRUE(engine_->Write(batch).ok());
  EXPECT_EQ(Get(*engine_, "a", "k"), "(none)");
  EXPECT_EQ(Get(*engine_, "b", "k"), "2");
}

TEST_P(EngineConformanceTest, EmptyBatchIsFine) { EXPECT_TRUE(engine_->Write({}).ok()); }

TEST_P(EngineConformanceTest, RefusedBatchChangesNothing) {
  Put("a", "taken", "v");
  WriteBatch batch;
  batch.Put("a", "new", "v");
  batch.Put("b", "new", "v");
  batch.Delete("a", "taken");
  batch.ExpectAbsent("a", "taken");
  const absl::Status status = engine_->Write(batch);
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted) << status;
  EXPECT_EQ(Get(*engine_, "a", "new"), "(none)");
  EXPECT_EQ(Get(*engine_, "b", "new"), "(none)");
  EXPECT_EQ(Get(*engine_, "a", "taken"), "v");
}

TEST_P(EngineConformanceTest, ExpectValueWantsExactlyThatValue) {
  const auto replace = [&](std::string_view expected) {
    WriteBatch batch;
    batch.ExpectValue("a", "k", expected);
    batch.Put("a", "k", "new");
    return engine_->Write(batch).code();
  };
  EXPECT_EQ(replace(""), absl::StatusCode::kAborted);
  Put("a", "k", "old");
  EXPECT_EQ(replace("other"), absl::StatusCode::kAborted);
  EXPECT_EQ(replace("ol"), absl::StatusCode::kAborted);
  EXPECT_EQ(replace("old"), absl::StatusCode::kOk);
  EXPECT_EQ(Get(*engine_, "a", "k"), "new");
}

TEST_P(EngineConformanceTest, PreconditionsSpeakOfTheStateBeforeTheBatch) {
  WriteBatch batch;
  batch.Put("a", "k", "v");
  batch.ExpectAbsent("a", "k");
  EXPECT_TRUE(engine_->Write(batch).ok());
  EXPECT_EQ(engine_->Write(batch).code(), absl::StatusCode::kAborted);
}

TEST_P(EngineConformanceTest, PreconditionsAloneAreChecked) {
  WriteBatch batch;
  batch.ExpectAbsent("a", "k");
  EXPECT_TRUE(engine_->Write(batch).ok());
  Put("a", "k", "v");
  EXPECT_EQ(engine_->Write(batch).code(), absl::StatusCode::kAborted);
}

TEST_P(EngineConformanceTest, ManyRacingForAnAbsentKeyHaveOneWinner) {
  constexpr int kThreads = 8;
  constexpr int kKeys = 25;
  std::vector<std::atomic<int>> winners(kKeys);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int k = 0; k < kKeys; ++k) {
        WriteBatch batch;
        batch.ExpectAbsent("a", absl::StrCat(k));
        batch.Put("a", absl::StrCat(k), absl::StrCat(t));
        batch.Put("b", absl::StrCat(k, "/", t), "");
        const absl::Status status = engine_->Write(batch);
        if (status.ok()) winners[k].fetch_add(1);
        EXPECT_TRUE(status.ok() || absl::IsAborted(status)) << status;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int k = 0; k < kKeys; ++k) {
    EXPECT_EQ(winners[k].load(), 1);
    EXPECT_EQ(Get(*engine_, "b", absl::StrCat(k, "/", Get(*engine_, "a", absl::StrCat(k)))), "");
  }
  EXPECT_EQ(Scan(*engine_, "b").size(), static_cast<size_t>(kKeys));
}

TEST_P(EngineConformanceTest, RacingTransfersKeepTheSum) {
  constexpr int kThreads = 6;
  constexpr int kTransfers = 30;
  const std::vector<std::string> accounts = {"x", "y", "z"};
  for (const std::string& account : accounts) Put("a", account, "1000");
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      // Opposite directions, so that a driver which locks keys in batch order would deadlock.
      const std::string& from = accounts[t % 3];
      const std::string& to = accounts[(t + 1 + t / 3) % 3];
      for (int done = 0; done < kTransfers;) {
        const std::string had = Get(*engine_, "a", from);
        const std::string other = Get(*engine_, "a", to);
        WriteBatch batch;
        batch.ExpectValue("a", from, had);
        batch.ExpectValue("a", to, other);
        batch.Put("a", from, absl::StrCat(std::stoi(had) - 1));
        batch.Put("a", to, absl::StrCat(std::stoi(other) + 1));
        if (engine_->Write(batch).ok()) ++done;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  int sum = 0;
  for (const std::string& account : accounts) sum += std::stoi(Get(*engine_, "a", account));
  EXPECT_EQ(sum, 3000);
}

TEST_P(EngineConformanceTest, PlainWritesDoNotSlipBetweenACheckAndItsWrite) {
  // Each compare-and-set that won was right about the value it replaced, so the plain writer's
  // value is only ever replaced by "<value>!".
  std::atomic<bool> stop = false;
  Put("a", "k", "0");
  std::thread marker([&] {
    while (!stop) {
      const std::string value = Get(*engine_, "a", "k");
      WriteBatch batch;
      batch.ExpectValue("a", "k", value);
      batch.Put("a", "k", absl::StrCat(value, "!"));
      batch.Put("b", value, "marked");
      EXPECT_TRUE([&](const absl::Status& s) {
        return s.ok() || absl::IsAborted(s);
      }(engine_->Write(batch)));
    }
  });
  for (int i = 1; i <= 100; ++i) {
    Put("a", "k", absl::StrCat(i));
    const std::string seen = Get(*engine_, "a", "k");
    EXPECT_EQ(seen.find(absl::StrCat(i)), 0u) << seen;
  }
  stop = true;
  marker.join();
}

TEST_P(EngineConformanceTest, SnapshotIsIsolatedFromLaterWrites) {
  Put("a", "kept", "1");
  Put("a", "deleted", "1");
  auto snapshot = engine_->NewSnapshot();
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  Put("a", "kept", "2");
  Put("a", "added", "2");
  Delete("a", "deleted");
  EXPECT_EQ(Scan(**snapshot, "a"), (Pairs{{"deleted", "1"}, {"kept", "1"}}));
  EXPECT_EQ(Get(**snapshot, "a", "kept"), "1");
  EXPECT_EQ(Get(**snapshot, "a", "added"), "(none)");
  EXPECT_EQ((*snapshot)->MultiGet("a", {"deleted"})->front(), "1");
  EXPECT_EQ(Scan(*engine_, "a"), (Pairs{{"added", "2"}, {"kept", "2"}}));
}

TEST_P(EngineConformanceTest, SnapshotSeesWholeBatchesOnly) {
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (int i = 0; !stop; ++i) {
      WriteBatch batch;
      batch.Put("a", "k", absl::StrCat(i));
      batch.Put("b", "k", absl::StrCat(i));
      EXPECT_TRUE(engine_->Write(batch).ok());
    }
  });
  for (int i = 0; i < 200; ++i) {
    auto snapshot = engine_->NewSnapshot();
    EXPECT_TRUE(snapshot.ok());
    EXPECT_EQ(Get(**snapshot, "a", "k"), Get(**snapshot, "b", "k"));
  }
  stop = true;
  writer.join();
}

TEST_P(EngineConformanceTest, UnknownTableIsRefusedAndNamed) {
  EXPECT_EQ(engine_->Get("zebra", "k").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(engine_->MultiGet("zebra", {"k"}).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(engine_->Scan("zebra", "", "").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ((*engine_->NewSnapshot())->Get("zebra", "k").status().code(),
            absl::StatusCode::kNotFound);
  WriteBatch batch;
  batch.Put("a", "k", "v");
  batch.Put("zebra", "k", "v");
  const absl::Status status = engine_->Write(batch);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("zebra"), std::string::npos);
  EXPECT_EQ(Get(*engine_, "a", "k"), "(none)");
}

TEST_P(EngineConformanceTest, OversizeBatchIsRefusedAndTheLargestAllowedIsNot) {
  WriteBatch batch;
  batch.Put("a", "k", std::string(kMaxBatchBytes - 1, 'x'));
  EXPECT_TRUE(engine_->Write(batch).ok());
  batch.Put("a", "l", "");
  const absl::Status status = engine_->Write(batch);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("max_batch_bytes"), std::string::npos);
  EXPECT_EQ(Get(*engine_, "a", "l"), "(none)");
}

TEST_P(EngineConformanceTest, DataSurvivesReopeningWhereTheDriverPersists) {
  Put("a", "k", "v");
  Put("a", "gone", "v");
  Delete("a", "gone");
  Reopen();
  EXPECT_EQ(Scan(*engine_, "a"), (GetParam().persists ? Pairs{{"k", "v"}} : Pairs{}));
}

}  // namespace
}  // namespace limbeck::kv
