#include "trainer/parallel/step_exchange.h"

#include <gtest/gtest.h>

#include "base/hash.h"
#include "trainer/parallel/group_for_test.h"

namespace limbeck::trainer {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(30);

TEST(ExchangeStepTest, SumsDenseMergesSparseRowsAndCounts) {
  RunRanksForTest(2, kPatience, [](ProcessGroup* group) {
    const bool first = group->rank() == 0;
    std::vector<float> bias(2);
    std::vector<float> table(8);
    std::vector<Parameter> parameters = {
        {.name = "bias", .shape = {2}, .values = bias, .gradient = {1, 2}},
        {.name = "table",
         .shape = {4, 2},
         .values = table,
         .row_sparse = true,
         .rows = first ? std::vector<uint32_t>{0, 2} : std::vector<uint32_t>{2, 3},
         .gradient = {1, 2, 3, 4}}};
    const auto totals = ExchangeStep(group, &parameters, {.loss = first ? 10.0 : 20.0, .rows = 3});
    ASSERT_TRUE(totals.ok()) << totals.status();
    EXPECT_EQ(parameters[0].gradient, (std::vector<float>{2, 4}));
    EXPECT_EQ(parameters[1].rows, (std::vector<uint32_t>{0, 2, 3}));
    EXPECT_EQ(parameters[1].gradient, (std::vector<float>{1, 2, 4, 6, 3, 4}));
    EXPECT_DOUBLE_EQ(totals->loss, 30.0);
    EXPECT_EQ(totals->rows, 6u);
    EXPECT_EQ(group->rounds(), 1u);
  });
}

TEST(ExchangeStepTest, RankZeroSaysWhetherToSave) {
  RunRanksForTest(3, kPatience, [](ProcessGroup* group) {
    std::vector<Parameter> parameters;
    for (const uint32_t who : {0u, 1u}) {
      const auto totals = ExchangeStep(group, &parameters, {.checkpoint = group->rank() == who});
      ASSERT_TRUE(totals.ok()) << totals.status();
      EXPECT_EQ(totals->checkpoint, who == 0);
    }
  });
}

TEST(ExchangeStepTest, ARankWithoutRowsTakesPart) {
  RunRanksForTest(2, kPatience, [](ProcessGroup* group) {
    std::vector<float> table(8);
    std::vector<Parameter> parameters = {
        {.name = "table", .shape = {4, 2}, .values = table, .row_sparse = true}};
    if (group->rank() == 1) {
      parameters[0].rows = {1};
      parameters[0].gradient = {5, 6};
    }
    ASSERT_TRUE(ExchangeStep(group, &parameters, {}).ok());
    EXPECT_EQ(parameters[0].rows, (std::vector<uint32_t>{1}));
    EXPECT_EQ(parameters[0].gradient, (std::vector<float>{5, 6}));
  });
}

// The gradient of `rank`, of which about one row in four is touched.
std::vector<float> RandomRows(uint32_t rank, size_t rows, size_t width) {
  std::vector<float> dense(rows * width);
  StableRandom random(rank, 1);
  for (size_t r = 0; r < rows; ++r) {
    if (random.Below(4) != 0) continue;
    for (size_t i = 0; i < width; ++i) {
      dense[r * width + i] = static_cast<float>(random.Uniform()) - 0.5F;
    }
  }
  return dense;
}

Parameter SparseOf(const std::vector<float>& dense, size_t width, std::span<float> values) {
  Parameter p{.name = "sparse",
              .shape = {int64_t(dense.size() / width), int64_t(width)},
              .values = values,
              .row_sparse = true};
  for (size_t r = 0; r * width < dense.size(); ++r) {
    if (dense[r * width] == 0.0F) continue;
    p.rows.push_back(static_cast<uint32_t>(r));
    p.gradient.insert(p.gradient.end(), dense.begin() + r * width, dense.begin() + (r + 1) * width);
  }
  return p;
}

TEST(ExchangeStepTest, SparseRowsSumToTheBitsOfTheDenseTable) {
  constexpr size_t kRows = 500;
  constexpr size_t kWidth = 3;
  RunRanksForTest(3, kPatience, [](ProcessGroup* group) {
    const std::vector<float> mine = RandomRows(group->rank(), kRows, kWidth);
    std::vector<float> values(mine.size());
    std::vector<Parameter> parameters = {
        SparseOf(mine, kWidth, values),
        {.name = "dense", .shape = {kRows, kWidth}, .values = values, .gradient = mine}};
    ASSERT_TRUE(ExchangeStep(group, &parameters, {}).ok());
    const Parameter& sparse = parameters[0];
    std::vector<float> scattered(mine.size());
    for (size_t r = 0; r < sparse.rows.size(); ++r) {
      std::copy_n(sparse.gradient.begin() + r * kWidth, kWidth,
                  scattered.begin() + sparse.rows[r] * kWidth);
    }
    EXPECT_EQ(scattered, parameters[1].gradient);
  });
}

TEST(ExchangeStepTest, LargeDenseGradientsAreAllReduced) {
  RunRanksForTest(2, kPatience, [](ProcessGroup* group) {
    const size_t floats = kGatheredDenseFloats + 1;
    std::vector<float> values(floats);
    std::vector<Parameter> parameters = {
        {.name = "w",
         .shape = {int64_t(floats)},
         .values = values,
         .gradient = std::vector<float>(floats, group->rank() == 0 ? 1.0F : 2.0F)}};
    const auto totals = ExchangeStep(group, &parameters, {.loss = 1.0, .rows = 1});
    ASSERT_TRUE(totals.ok()) << totals.status();
    EXPECT_EQ(parameters[0].gradient, std::vector<float>(floats, 3.0F));
    EXPECT_EQ(totals->rows, 2u);
    EXPECT_EQ(group->rounds(), 2u) << "an all-reduce and a gather";
  });
}

// A peer of another program: its gather answers with bytes that do not fit.
class StrangeGroup : public ProcessGroup {
 public:
  explicit StrangeGroup(std::string theirs) : theirs_(std::move(theirs)) {}
  uint32_t rank() const override { return 0; }
  uint32_t world_size() const override { return 2; }
  absl::Status AllReduceSum(std::span<float>) override { return absl::OkStatus(); }
  absl::StatusOr<std::vector<std::string>> AllGather(std::string_view bytes) override {
    return std::vector<std::string>{std::string(bytes), theirs_};
  }
  absl::Status Broadcast(uint32_t, std::string*) override { return absl::OkStatus(); }
  absl::Status BroadcastFixed(uint32_t, std::span<char>) override { return absl::OkStatus(); }
  absl::Status Barrier() override { return absl::OkStatus(); }
  uint64_t rounds() const override { return 0; }

 private:
  const std::string theirs_;
};

TEST(ExchangeStepTest, RefusesAPeersPartThatDoesNotFit) {
  const std::string header(24, '\0');
  const std::string one_row("\1\0\0\0", 4);
  const std::string row_9("\x9\0\0\0", 4);
  const std::string many("\xff\xff\xff\xff", 4);
  for (const std::string& theirs :
       {std::string(), header, header + one_row, header + one_row + row_9 + std::string(8, '\0'),
        header + many, header + std::string(5, '\0')}) {
    StrangeGroup group(theirs);
    std::vector<float> table(8);
    std::vector<Parameter> parameters = {
        {.name = "table", .shape = {4, 2}, .values = table, .row_sparse = true}};
    EXPECT_EQ(ExchangeStep(&group, &parameters, {}).status().code(), absl::StatusCode::kDataLoss);
  }
}

}  // namespace
}  // namespace limbeck::trainer
