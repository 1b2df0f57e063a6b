#include "trainer/loop/train.h"

#include <algorithm>
#include <atomic>

#include <gtest/gtest.h>

#include "base/file.h"
#include "trainer/checkpoints/safetensors.h"
#include "trainer/data/stream_for_test.h"
#include "trainer/loop/validate.h"
#include "trainer/parallel/group_for_test.h"

namespace limbeck::trainer {
namespace {

constexpr char kNgram[] = "{\"kind\":\"ngram\",\"labels\":2,\"hash_bits\":12}";
constexpr char kEncoder[] =
    "{\"kind\":\"encoder\",\"labels\":2,\"width\":16,\"layers\":1,\"heads\":2,"
    "\"vocabulary_bits\":10,\"max_tokens\":8}";

class TrainTest : public testing::Test {
 protected:
  struct Outcome {
    absl::Status status;
    std::vector<CurvePoint> curve;
    std::string model;
    uint64_t events = 0;
    std::vector<uint64_t> checkpoints;  // As each event tells.
    uint64_t rounds = 0;                // Of the group.
  };

  TrainOptions Options(const std::string& worker) {
    TrainOptions options;
    options.epochs = 4;
    options.global_batch = 8;
    options.learning_rate = 0.02;
    options.checkpoints = {.steps = 5, .min_interval = absl::ZeroDuration()};
    options.items = items_.size();
    options.run_hash = "run";
    options.checkpoint_directory = dir_.path() / worker;
    return options;
  }

  // One rank's run; cancelled after `stop_after` events of it.
  Outcome RunRank(const TrainOptions& options, std::string_view config, ProcessGroup* group,
                  uint64_t stop_after = ~uint64_t{0}) {
    auto student = CreateStudent(config, options.seed).value();
    std::atomic<bool> cancelled = false;
    Outcome outcome;
    TrainHooks hooks;
    hooks.cancelled = &cancelled;
    hooks.on_event = [&](const TrainEvent& event) {
      outcome.checkpoints.push_back(event.checkpoint_step);
      if (after_step_) after_step_(group->rank());
      if (++outcome.events >= stop_after) cancelled = true;
    };
    hooks.open_batches = [&](uint32_t epoch, uint64_t position) {
      const BatchOptions batches{.items = items_.size(),
                                 .global_batch = options.global_batch,
                                 .rank = group->rank(),
                                 .world_size = group->world_size(),
                                 .epochs = options.epochs,
                                 .epoch = epoch,
                                 .position = position};
      const auto open = [this, batches](
                            uint32_t e,
                            uint64_t p) -> absl::StatusOr<std::unique_ptr<cache::ItemStream>> {
        return std::make_unique<StreamForTest>(
            &stream_items_, cache::StreamOptions{.epoch = e,
                                                 .position = p,
                                                 .global_batch = batches.global_batch,
                                                 .rank = batches.rank,
                                                 .world_size = batches.world_size,
                                                 .epochs = batches.epochs});
      };
      return std::make_unique<BatchReader>(
          batches, &decoder_, open,
          [&student](std::span<const std::string> texts) { return student->Prepare(texts); },
          ReopenPolicy{});
    };
    auto curve = Train(options, student.get(), group, validation_, hooks);
    outcome.status = curve.status();
    if (curve.ok()) outcome.curve = *curve;
    outcome.model = EncodeModel(student.get());
    outcome.rounds = group->rounds();
    return outcome;
  }

  Outcome RunAlone(const std::string& worker, std::string_view config = kNgram,
                   uint64_t stop_after = ~uint64_t{0}) {
    auto group = JoinGroup({}, nullptr).value();
    return RunRank(Options(worker), config, group.get(), stop_after);
  }

  std::vector<TeacherRow> ReadValidation() {
    std::vector<TeacherRow> rows;
    for (const auto& item : ItemsForTest(20)) rows.push_back(decoder_.Decode(item, false).value());
    return rows;
  }

  const ScopedTempDirectory dir_;
  const std::vector<cache::StreamItem> items_ = ItemsForTest(61);
  std::vector<cache::StreamItem> stream_items_ = items_;  // What streams really give.
  std::function<void(uint32_t rank)> after_step_;
  const RowDecoder decoder_{
      .reader = cache::LabelReader(cache::LabelSet::Create({{"red", {}}, {"blue", {}}}).value())};
  const std::vector<TeacherRow> validation_ = ReadValidation();
};

std::vector<float> Weights(const std::string& model) {
  std::vector<float> all;
  const auto file = DecodeSafetensors(model);
  for (const auto& [name, tensor] : file->tensors) {
    all.insert(all.end(), tensor.values.begin(), tensor.values.end());
  }
  return all;
}

TEST_F(TrainTest, LearnsTheTeachersChoices) {
  for (const char* config : {kNgram, kEncoder}) {
    const Outcome outcome = RunAlone(config == kNgram ? "a" : "b", config);
    ASSERT_TRUE(outcome.status.ok()) << outcome.status;
    EXPECT_EQ(outcome.events, 32u);
    ASSERT_EQ(outcome.curve.size(), 4u);
    EXPECT_EQ(outcome.curve[3].step, 32u);
    EXPECT_GT(outcome.curve[3].validation_agreement, 0.95);
    EXPECT_LT(outcome.curve[3].validation_kl, outcome.curve[0].validation_kl);
  }
}

TEST_F(TrainTest, AnInterruptedRunEndsWithTheSameBits) {
  for (const char* config : {kNgram, kEncoder}) {
    const std::string name = config == kNgram ? "n" : "e";
    const Outcome whole = RunAlone(name + "whole", config);
    for (const uint64_t stop : {1u, 8u, 13u}) {
      const std::string worker = name + std::to_string(stop);
      EXPECT_EQ(RunAlone(worker, config, stop).status.code(), absl::StatusCode::kCancelled);
      const Outcome resumed = RunAlone(worker, config);
      ASSERT_TRUE(resumed.status.ok()) << resumed.status;
      EXPECT_EQ(resumed.events, 32 - stop);
      EXPECT_EQ(resumed.model, whole.model);
      EXPECT_EQ(resumed.curve, whole.curve);
    }
  }
}

TEST_F(TrainTest, TheGroupsSizeChangesTheResultByRoundingOnly) {
  for (const char* config : {kNgram, kEncoder}) {
    const std::string name = config == kNgram ? "n" : "e";
    const Outcome alone = RunAlone(name, config);
    std::vector<Outcome> outcomes(3);
    RunRanksForTest(3, absl::Seconds(30), [&](ProcessGroup* group) {
      outcomes[group->rank()] =
          RunRank(Options(name + std::to_string(group->rank())), config, group);
    });
    for (const Outcome& outcome : outcomes) {
      ASSERT_TRUE(outcome.status.ok()) << outcome.status;
      EXPECT_EQ(outcome.model, outcomes[0].model);
      EXPECT_EQ(outcome.curve, outcomes[0].curve);
    }
    const auto expected = Weights(alone.model);
    const auto weights = Weights(outcomes[0].model);
    ASSERT_EQ(weights.size(), expected.size());
    double largest = 0.0;
    for (size_t i = 0; i < weights.size(); ++i) {
      largest = std::max(largest, std::abs(double{weights[i]} - expected[i]));
    }
    EXPECT_LT(largest, 2e-3) << config;
    EXPECT_NEAR(outcomes[0].curve[3].train_loss, alone.curve[3].train_loss, 1e-4);
  }
}

TEST_F(TrainTest, ANewcomerTakesOverTheNewestCheckpointOfTheGroup) {
  const Outcome whole = RunAlone("whole");
  EXPECT_EQ(RunAlone("second", kNgram, 11).status.code(), absl::StatusCode::kCancelled);
  std::vector<Outcome> outcomes(2);
  RunRanksForTest(2, absl::Seconds(30), [&](ProcessGroup* group) {
    outcomes[group->rank()] =
        RunRank(Options(group->rank() == 1 ? "second" : "fresh"), kNgram, group);
  });
  for (const Outcome& outcome : outcomes) {
    ASSERT_TRUE(outcome.status.ok()) << outcome.status;
    EXPECT_EQ(outcome.events, 21u);
    EXPECT_EQ(outcome.curve.size(), 4u);
    EXPECT_NEAR(outcome.curve[3].train_loss, whole.curve[3].train_loss, 1e-4);
  }
}

TEST_F(TrainTest, ALostPeerIsUnavailableAndLeavesACheckpoint) {
  std::vector<Outcome> outcomes(2);
  RunRanksForTest(2, absl::Seconds(5), [&](ProcessGroup* group) {
    outcomes[group->rank()] = RunRank(Options(std::to_string(group->rank())), kNgram, group,
                                      group->rank() == 1 ? 7 : ~uint64_t{0});
  });
  EXPECT_EQ(outcomes[0].status.code(), absl::StatusCode::kUnavailable) << outcomes[0].status;
  EXPECT_EQ(outcomes[1].status.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(RunAlone("0").events, 32u - 7u);
}

TEST_F(TrainTest, AnAbruptEndGoesOnFromTheLastPeriodicCheckpointWithTheSameBits) {
  const Outcome whole = RunAlone("whole");
  // Neither cancelled nor without a peer: such an end saves nothing more, as a kill does not. The
  // first epoch's item 50 is in step 7.
  StreamForTest order(&items_, {.global_batch = 8, .world_size = 1, .epochs = 1});
  std::string victim;
  for (int i = 0; i <= 50; ++i) victim = order.Next().value().example.row_id;
  for (cache::StreamItem& item : stream_items_) {
    if (item.example.row_id == victim) item.records = {"damaged"};
  }
  const Outcome broken = RunAlone("broken");
  EXPECT_EQ(broken.status.code(), absl::StatusCode::kDataLoss) << broken.status;
  EXPECT_EQ(broken.events, 6u);
  stream_items_ = items_;
  const Outcome resumed = RunAlone("broken");
  ASSERT_TRUE(resumed.status.ok()) << resumed.status;
  EXPECT_EQ(resumed.events, 32u - 5u);
  EXPECT_TRUE(resumed.model == whole.model);
  EXPECT_EQ(resumed.curve, whole.curve);
}

std::vector<std::string> NamesIn(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

TEST_F(TrainTest, RanksSaveWhenTheClockOfRankZeroSays) {
  FakeClock moves;
  FakeClock stands;
  after_step_ = [&moves](uint32_t rank) {
    if (rank == 0) moves.Advance(absl::Seconds(4));
  };
  RunRanksForTest(2, absl::Seconds(30), [&](ProcessGroup* group) {
    TrainOptions options = Options(std::to_string(group->rank()));
    options.checkpoints = {.steps = 1, .min_interval = absl::Seconds(10)};
    options.clock = group->rank() == 0 ? &moves : &stands;
    const Outcome outcome = RunRank(options, kNgram, group);
    ASSERT_TRUE(outcome.status.ok()) << outcome.status;
    // Each third step is due: 4, 7, … 31. The newest two are kept.
    EXPECT_EQ(NamesIn(options.checkpoint_directory),
              (std::vector<std::string>{"step-000000000031", "step-000000000032"}));
    for (const uint64_t step : outcome.checkpoints) {
      EXPECT_TRUE(step == 0 || step == 32 || step % 3 == 1) << step;
    }
  });
}

TEST_F(TrainTest, FastStepsDoNotSaveBeforeTheirTime) {
  FakeClock clock;
  TrainOptions options = Options("a");
  options.checkpoints = {.steps = 1};
  options.clock = &clock;
  auto group = JoinGroup({}, nullptr).value();
  const Outcome outcome = RunRank(options, kNgram, group.get());
  ASSERT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_EQ(NamesIn(options.checkpoint_directory), (std::vector<std::string>{"step-000000000032"}));
  EXPECT_EQ(outcome.checkpoints.front(), 0u);
  EXPECT_EQ(outcome.checkpoints.back(), 32u) << "the end is durable before it is told";
}

TEST_F(TrainTest, AFailedCheckpointEndsTheRunWithItsError) {
  ASSERT_TRUE(WriteFileDurably(dir_.path() / "file", "in the way").ok());
  const Outcome outcome = RunAlone("file/below");
  EXPECT_FALSE(outcome.status.ok());
  EXPECT_NE(outcome.status.message().find("checkpoint of step 5"), std::string::npos)
      << outcome.status;
  EXPECT_GE(outcome.events, 5u);
}

TEST_F(TrainTest, AStepIsOneRoundOfMessages) {
  for (const char* config : {kNgram, kEncoder}) {
    RunRanksForTest(2, absl::Seconds(30), [&](ProcessGroup* group) {
      const std::string name = config == kNgram ? "n" : "e";
      const Outcome outcome = RunRank(Options(name + std::to_string(group->rank())), config, group);
      ASSERT_TRUE(outcome.status.ok()) << outcome.status;
      // One to compare states, one a step, one an epoch; and at first some where the longest
      // message grows.
      EXPECT_GE(outcome.rounds, 1u + 32u + 4u);
      EXPECT_LE(outcome.rounds, 1u + 32u + 4u + 3u);
    });
  }
}

TEST_F(TrainTest, RefusesAnEmptySnapshot) {
  auto group = JoinGroup({}, nullptr).value();
  auto student = CreateStudent(kNgram, 1).value();
  TrainOptions options = Options("x");
  options.items = 0;
  EXPECT_EQ(Train(options, student.get(), group.get(), {}, {}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(TrainTest, StepsCoverShortLastBatches) {
  TrainOptions options = Options("x");
  options.items = 17;
  EXPECT_EQ(StepsTotal(options), 12u);
}

}  // namespace
}  // namespace limbeck::trainer
