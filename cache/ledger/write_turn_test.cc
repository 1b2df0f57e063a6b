#include "cache/ledger/write_turn.h"

#include <gtest/gtest.h>

#include "base/kv/open.h"
#include "cache/ledger/rows.h"

namespace limbeck::cache {
namespace {

class WriteTurnTest : public testing::Test {
 protected:
  WriteTurnTest() {
    kv::OpenOptions options;
    options.driver = "memory";
    options.tables = LedgerTables();
    engine_ = *kv::Open(options);
  }

  absl::Status Write(WriteTurn* turn) {
    kv::WriteBatch batch;
    AddTurn(turn->expected(), &batch);
    batch.Put(kMetaTable, "n", "1");
    return engine_->Write(batch);
  }

  std::unique_ptr<kv::Engine> engine_;
};

TEST_F(WriteTurnTest, HoldsTheOthersBackForOneWrite) {
  WriteTurn loser(engine_.get()), winner(engine_.get());
  EXPECT_TRUE(Write(&winner).ok());
  loser.Claim();
  EXPECT_EQ(Write(&winner).code(), absl::StatusCode::kAborted);
  EXPECT_TRUE(Write(&loser).ok());
  loser.Planned();
  EXPECT_TRUE(Write(&winner).ok());
  EXPECT_TRUE(Write(&loser).ok());
}

TEST_F(WriteTurnTest, OfTwoThatAskTheLaterGoesFirst) {
  WriteTurn first(engine_.get()), second(engine_.get());
  first.Claim();
  second.Claim();
  EXPECT_EQ(Write(&first).code(), absl::StatusCode::kAborted);
  second.GiveWay();
  EXPECT_TRUE(Write(&second).ok());
  first.GiveWay();
  EXPECT_TRUE(Write(&first).ok());
}

TEST_F(WriteTurnTest, OfADeadServerIsRemoved) {
  WriteTurn living(engine_.get());
  WriteTurn(engine_.get()).Claim();
  EXPECT_EQ(Write(&living).code(), absl::StatusCode::kAborted);
  living.GiveWay();
  EXPECT_TRUE(Write(&living).ok());
  EXPECT_EQ(*engine_->Get(kMetaTable, "turn"), std::nullopt);
}

}  // namespace
}  // namespace limbeck::cache
