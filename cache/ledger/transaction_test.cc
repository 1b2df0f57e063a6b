#include "cache/ledger/transaction.h"

#include <gtest/gtest.h>

#include "base/kv/open.h"

namespace limbeck::cache {
namespace {

class TransactionTest : public testing::Test {
 protected:
  TransactionTest() {
    kv::OpenOptions options;
    options.driver = "memory";
    options.tables = LedgerTables();
    auto engine = kv::Open(options);
    EXPECT_TRUE(engine.ok()) << engine.status();
    engine_ = *std::move(engine);
    kv::WriteBatch batch;
    batch.Put(kClaimTable, "old", "1");
    EXPECT_TRUE(engine_->Write(batch).ok());
  }

  std::optional<std::string> Get(Transaction* transaction, const std::string& key) {
    const auto value = transaction->Get(kClaimTable, key);
    EXPECT_TRUE(value.ok()) << value.status();
    return *value;
  }

  std::unique_ptr<kv::Engine> engine_;
  HotRows hot_;
};

TEST_F(TransactionTest, ReadsSeeItsOwnWrites) {
  Transaction transaction(engine_.get(), &hot_);
  EXPECT_EQ(Get(&transaction, "old"), "1");
  transaction.Put(kClaimTable, "old", "2");
  EXPECT_EQ(Get(&transaction, "old"), "2");
  transaction.Delete(kClaimTable, "old");
  EXPECT_EQ(Get(&transaction, "old"), std::nullopt);
  EXPECT_EQ(Get(&transaction, "new"), std::nullopt);
}

TEST_F(TransactionTest, RollBackKeepsWhatWasThereAtTheMark) {
  Transaction transaction(engine_.get(), &hot_);
  transaction.Put(kClaimTable, "a", "1");
  transaction.counters().next_fence = 5;
  transaction.Mark();
  transaction.Put(kClaimTable, "a", "2");
  transaction.Put(kClaimTable, "a", "3");
  transaction.Delete(kClaimTable, "old");
  transaction.Put(kClaimTable, "b", "1");
  transaction.counters().next_fence = 6;
  transaction.RollBack();
  EXPECT_EQ(Get(&transaction, "a"), "1");
  EXPECT_EQ(Get(&transaction, "old"), "1");
  EXPECT_EQ(Get(&transaction, "b"), std::nullopt);
  EXPECT_EQ(transaction.counters().next_fence, 5u);
  EXPECT_EQ(transaction.writes()->size(), 1u);
}

TEST_F(TransactionTest, PendingWritesHideTheEngine) {
  Transaction before(engine_.get(), &hot_);
  before.Delete(kClaimTable, "old");
  before.Put(kClaimTable, "new", "1");
  Transaction transaction(engine_.get(), &hot_, before.writes());
  ASSERT_TRUE(transaction.Prefetch(kClaimTable, {"old", "new"}).ok());
  EXPECT_EQ(Get(&transaction, "old"), std::nullopt);
  EXPECT_EQ(Get(&transaction, "new"), "1");
  transaction.Put(kClaimTable, "new", "2");
  EXPECT_EQ(Get(&transaction, "new"), "2");
  EXPECT_EQ(transaction.writes()->size(), 1u);
}

TEST_F(TransactionTest, HotRowsHideTheEngine) {
  hot_[{std::string(kClaimTable), "old"}] = "hot";
  Transaction transaction(engine_.get(), &hot_);
  ASSERT_TRUE(transaction.Prefetch(kClaimTable, {"old", "new"}).ok());
  EXPECT_EQ(Get(&transaction, "old"), "hot");
  EXPECT_EQ(Get(&transaction, "new"), std::nullopt);
  transaction.Put(kClaimTable, "old", "mine");
  EXPECT_EQ(Get(&transaction, "old"), "mine");
}

TEST_F(TransactionTest, AccountsAndOpenClaimsStayHotAndEndedClaimsDoNot) {
  LedgerRow row;
  Transaction opening(engine_.get(), &hot_);
  opening.Put(kAccountTable, "job/1", "account");
  opening.Put(kClaimTable, "a", "claim");
  opening.Put(kLedgerTable, "1", Encode(row));
  opening.Put(kRecordTable, "1", "record");
  opening.UpdateHot(&hot_);
  EXPECT_EQ(hot_.size(), 3u);
  Transaction ending(engine_.get(), &hot_);
  EXPECT_EQ(Get(&ending, "a"), "claim");
  EXPECT_EQ(*ending.Get(kLedgerTable, "1"), Encode(row));
  row.state = LedgerRow::State::kStored;
  ending.Put(kLedgerTable, "1", Encode(row));
  ending.Delete(kClaimTable, "a");
  ending.UpdateHot(&hot_);
  EXPECT_EQ(hot_.size(), 1u);
  EXPECT_EQ(hot_.at({std::string(kAccountTable), "job/1"}), "account");
}

}  // namespace
}  // namespace limbeck::cache
