#include "base/kv/postgres/postgres_engine.h"

#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/kv/engine_conformance.h"
#include "tests/support/postgres_server.h"

namespace limbeck::kv {
namespace {

// One for the whole program.
testing::PostgresServer& Server() {
  static const std::unique_ptr<testing::PostgresServer> server = [] {
    auto started = testing::PostgresServer::Start({});
    EXPECT_TRUE(started.ok()) << started.status();
    return *std::move(started);
  }();
  return *server;
}

// A schema for each folder of the suite's.
absl::StatusOr<std::unique_ptr<Engine>> OpenSchema(OpenOptions options) {
  const std::string schema = absl::StrCat("s", absl::Hex(Xxh3(options.path)));
  const auto created = Server().Sql(absl::StrCat("CREATE SCHEMA IF NOT EXISTS ", schema));
  if (!created.ok()) return created.status();
  options.connection = Server().ConnectionString(schema);
  return OpenPostgresEngine(options);
}

INSTANTIATE_TEST_SUITE_P(Drivers, EngineConformanceTest,
                         ::testing::Values(EngineFactory{"postgres", OpenSchema, true}),
                         EngineFactoryName);

class PostgresEngineTest : public ::testing::Test {
 protected:
  OpenOptions Options() const {
    OpenOptions options;
    options.path = dir_.path().string();
    options.tables = {"a", "b"};
    return options;
  }

  static absl::Status Put(Engine* engine, const std::string& key, const std::string& value) {
    WriteBatch batch;
    batch.Put("a", key, value);
    return engine->Write(batch);
  }

  const ScopedTempDirectory dir_;
};

TEST_F(PostgresEngineTest, ServesSeveralProcessesOnOneDatabase) {
  const auto first = OpenSchema(Options());
  const auto second = OpenSchema(Options());
  ASSERT_TRUE(first.ok() && second.ok()) << first.status() << second.status();
  ASSERT_TRUE(Put(first->get(), "k", "v").ok());
  EXPECT_EQ(*(*second)->Get("a", "k"), "v");
  WriteBatch taken;
  taken.ExpectAbsent("a", "k");
  EXPECT_EQ((*second)->Write(taken).code(), absl::StatusCode::kAborted);
}

TEST_F(PostgresEngineTest, OpenersAtOnceCreateTheTablesOnce) {
  ASSERT_TRUE(OpenSchema(Options()).ok());
  OpenOptions more = Options();
  for (int i = 0; i < 10; ++i) more.tables.push_back(absl::StrCat("t", i));
  std::vector<std::thread> openers;
  for (int i = 0; i < 6; ++i) {
    openers.emplace_back([&] {
      const auto engine = OpenSchema(more);
      EXPECT_TRUE(engine.ok()) << engine.status();
    });
  }
  for (std::thread& opener : openers) opener.join();
}

TEST_F(PostgresEngineTest, ScansFarBeyondOnePage) {
  const auto engine = OpenSchema(Options());
  ASSERT_TRUE(engine.ok()) << engine.status();
  WriteBatch batch;
  for (int i = 0; i < 25'000; ++i) {
    std::string key;
    AppendOrderedU64(&key, static_cast<uint64_t>(i));
    batch.Put("a", key, absl::StrCat(i));
  }
  ASSERT_TRUE((*engine)->Write(batch).ok());
  const auto scan = (*engine)->Scan("a", "", "");
  ASSERT_TRUE(scan.ok()) << scan.status();
  int i = 0;
  for (; (*scan)->Valid(); (*scan)->Next()) EXPECT_EQ((*scan)->value(), absl::StrCat(i++));
  EXPECT_TRUE((*scan)->status().ok());
  EXPECT_EQ(i, 25'000);
}

TEST_F(PostgresEngineTest, OneSnapshotTooManyIsRefusedAndReadsAndWritesGoOn) {
  OpenOptions options = Options();
  options.max_connections = 2;
  options.timeout = absl::Seconds(2);
  const auto engine = OpenSchema(options);
  ASSERT_TRUE(engine.ok()) << engine.status();
  auto first = (*engine)->NewSnapshot();
  auto second = (*engine)->NewSnapshot();
  ASSERT_TRUE(first.ok() && second.ok()) << first.status() << second.status();
  const absl::Status refused = (*engine)->NewSnapshot().status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable) << refused;
  EXPECT_NE(refused.message().find("all 2 connections"), std::string::npos) << refused;
  EXPECT_TRUE(Put(engine->get(), "k", "v").ok());
  second->reset();
  EXPECT_TRUE((*engine)->NewSnapshot().ok());
}

TEST_F(PostgresEngineTest, AKeyThatTheIndexCannotHoldIsRefused) {
  const auto engine = OpenSchema(Options());
  ASSERT_TRUE(engine.ok()) << engine.status();
  EXPECT_TRUE(Put(engine->get(), RandomBytes(2'600), "v").ok());
  const absl::Status status = Put(engine->get(), RandomBytes(3'000), "v");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_TRUE(Put(engine->get(), "k", "v").ok());
}

TEST_F(PostgresEngineTest, GoesOnAfterTheServerWasRestarted) {
  auto own = testing::PostgresServer::Start({});
  ASSERT_TRUE(own.ok()) << own.status();
  OpenOptions options = Options();
  options.connection = (*own)->ConnectionString();
  const auto engine = OpenPostgresEngine(options);
  ASSERT_TRUE(engine.ok()) << engine.status();
  ASSERT_TRUE(Put(engine->get(), "k", "v").ok());

  (*own)->Kill();
  EXPECT_EQ((*engine)->Get("a", "k").status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Put(engine->get(), "k", "w").code(), absl::StatusCode::kUnavailable);
  ASSERT_TRUE((*own)->Restart().ok());
  EXPECT_EQ(*(*engine)->Get("a", "k"), "v");
  EXPECT_TRUE(Put(engine->get(), "k", "w").ok());
}

// A server whose commits wait for a standby that is not there.
class LonelyPrimaryTest : public PostgresEngineTest {
 protected:
  void Open(const testing::PostgresOptions& server, absl::Duration timeout) {
    auto started = testing::PostgresServer::Start(server);
    ASSERT_TRUE(started.ok()) << started.status();
    server_ = *std::move(started);
    OpenOptions options = Options();
    options.connection = server_->ConnectionString();
    options.timeout = timeout;
    auto engine = OpenPostgresEngine(options);
    ASSERT_TRUE(engine.ok()) << engine.status();
    engine_ = *std::move(engine);
    ASSERT_TRUE(server_->Sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'").ok());
    ASSERT_TRUE(server_->Sql("SELECT pg_reload_conf()").ok());
    while (*server_->Sql("SHOW synchronous_standby_names") != "nobody\n") {
    }
  }

  std::unique_ptr<testing::PostgresServer> server_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(LonelyPrimaryTest, IsGivenUpAfterTheTimeout) {
  Open({}, absl::Milliseconds(300));
  const absl::Status status = Put(engine_.get(), "k", "v");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
}

TEST_F(LonelyPrimaryTest, IsWaitedForWhereTheServerWouldNotWait) {
  Open({false, {"synchronous_commit=off"}}, absl::Milliseconds(300));
  EXPECT_EQ(Put(engine_.get(), "k", "v").code(), absl::StatusCode::kUnavailable);
}

TEST_F(LonelyPrimaryTest, IsNotBelievedWhenTheWaitWasCancelled) {
  Open({}, absl::Seconds(60));
  std::atomic<bool> answered = false;
  absl::Status status;
  std::thread writer([&] {
    status = Put(engine_.get(), "k", "v");
    answered = true;
  });
  while (!answered) {
    const auto cancelled = server_->Sql(
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
    EXPECT_TRUE(cancelled.ok()) << cancelled.status();
  }
  writer.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_NE(status.message().find("synchronous replication"), std::string::npos) << status;
}

TEST_F(PostgresEngineTest, SaysWhatIsWrongWithAConnection) {
  OpenOptions options = Options();
  EXPECT_EQ(OpenPostgresEngine(options).status().code(), absl::StatusCode::kInvalidArgument);
  options.connection = absl::StrCat("host=", dir_.path().string(), " user=u password=hunter2");
  const absl::Status away = OpenPostgresEngine(options).status();
  EXPECT_EQ(away.code(), absl::StatusCode::kUnavailable) << away;
  EXPECT_EQ(away.message().find("hunter2"), std::string::npos) << away;
  options.connection = "host=/nowhere";
  options.tables = {"no \"good\" name"};
  EXPECT_EQ(OpenPostgresEngine(options).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace limbeck::kv
