#include "trainer/parallel/process_group.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "trainer/parallel/group_for_test.h"

namespace limbeck::trainer {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(30);

class ProcessGroupTest : public testing::TestWithParam<uint32_t> {};

TEST_P(ProcessGroupTest, CollectivesAgreeOnEveryRank) {
  const uint32_t world = GetParam();
  RunRanksForTest(world, kPatience, [world](ProcessGroup* group) {
    EXPECT_EQ(group->world_size(), world);
    std::vector<float> values = {1.0F, static_cast<float>(group->rank())};
    ASSERT_TRUE(group->AllReduceSum(values).ok());
    EXPECT_FLOAT_EQ(values[0], static_cast<float>(world));
    EXPECT_FLOAT_EQ(values[1], static_cast<float>(world * (world - 1) / 2));

    const auto gathered = group->AllGather(std::string(group->rank(), 'x'));
    ASSERT_TRUE(gathered.ok()) << gathered.status();
    for (uint32_t r = 0; r < world; ++r) EXPECT_EQ((*gathered)[r], std::string(r, 'x'));

    std::string bytes = absl::StrCat("from ", group->rank(), std::string(group->rank(), '!'));
    ASSERT_TRUE(group->Broadcast(world - 1, &bytes).ok());
    EXPECT_EQ(bytes, absl::StrCat("from ", world - 1, std::string(world - 1, '!')));
    EXPECT_TRUE(group->Barrier().ok());
  });
}

INSTANTIATE_TEST_SUITE_P(Worlds, ProcessGroupTest, testing::Values(1, 2, 3));

TEST(ProcessGroupRoundsTest, AGatherOfUsualSizeIsOneRound) {
  RunRanksForTest(2, kPatience, [](ProcessGroup* group) {
    const auto gather = [group](size_t mine, size_t theirs) {
      const uint64_t before = group->rounds();
      const bool first = group->rank() == 0;
      const auto parts = group->AllGather(std::string(first ? mine : theirs, first ? 'a' : 'b'));
      EXPECT_TRUE(parts.ok()) << parts.status();
      if (parts.ok()) {
        EXPECT_EQ((*parts)[0], std::string(mine, 'a'));
        EXPECT_EQ((*parts)[1], std::string(theirs, 'b'));
      }
      return group->rounds() - before;
    };
    EXPECT_EQ(gather(0, 0), 1u);
    EXPECT_EQ(gather(4096, 1), 1u);
    // One rank's message outgrows the capacity; every rank takes part in the second round.
    EXPECT_EQ(gather(10, 100'000), 2u);
    EXPECT_EQ(gather(100'000, 120'000), 1u);
    EXPECT_EQ(gather(1, 1), 1u);
    EXPECT_EQ(gather(200'000, 130'000), 2u);
  });
}

TEST(ProcessGroupRoundsTest, ABroadcastOfKnownSizeIsOneRound) {
  RunRanksForTest(3, kPatience, [](ProcessGroup* group) {
    std::vector<char> bytes(40, static_cast<char>('0' + group->rank()));
    ASSERT_TRUE(group->BroadcastFixed(1, bytes).ok());
    EXPECT_EQ(bytes, std::vector<char>(40, '1'));
    EXPECT_EQ(group->rounds(), 1u);
  });
}

TEST(ProcessGroupFailureTest, AMissingPeerIsAnErrorAndNotAHang) {
  RunRanksForTest(2, absl::Seconds(3), [](ProcessGroup* group) {
    if (group->rank() == 1) return;  // Leaves.
    std::vector<float> values = {1.0F};
    const absl::Status status = group->AllReduceSum(values);
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  });
}

TEST(ProcessGroupFailureTest, NobodyJoiningIsAnError) {
  // c10d rounds timeouts of connecting down to seconds.
  auto store = RendezvousStore::Serve("127.0.0.1", absl::Seconds(2));
  ASSERT_TRUE(store.ok()) << store.status();
  const auto group =
      JoinGroup({.rank = 0, .world_size = 2, .timeout = absl::Seconds(1)}, store->get());
  EXPECT_EQ(group.status().code(), absl::StatusCode::kUnavailable) << group.status();
}

TEST(ProcessGroupFailureTest, RefusesBadAddressesAndRanks) {
  EXPECT_EQ(JoinGroup({.rank = 1, .world_size = 2, .store_address = "x"}, nullptr).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(JoinGroup({.rank = 2, .world_size = 2}, nullptr).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace limbeck::trainer
