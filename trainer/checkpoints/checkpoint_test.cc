#include "trainer/checkpoints/checkpoint.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "base/file.h"

namespace limbeck::trainer {
namespace {

constexpr char kConfig[] = "{\"kind\":\"ngram\",\"labels\":2,\"hash_bits\":10}";

// A student with its optimiser whose numbers all tell the step.
struct MarkedRun {
  std::unique_ptr<Student> student = CreateStudent(kConfig, 1).value();
  AdamW optimiser{&student->parameters(), {}};

  void Mark(float value) {
    for (size_t i = 0; i < student->parameters().size(); ++i) {
      const auto fill = [value](std::span<float> s) { std::fill(s.begin(), s.end(), value); };
      fill(student->parameters()[i].values);
      fill(optimiser.first_moment(i));
      fill(optimiser.second_moment(i));
    }
  }
  absl::Status Save(const std::filesystem::path& dir, uint64_t step) {
    Mark(static_cast<float>(step));
    return WriteCheckpoint(
        dir, CopyRun({.step = step, .epoch = 3, .position = 64, .seed = 5, .run_hash = "run"},
                     student.get(), &optimiser));
  }
};

bool AllEqual(std::span<const float> values, float expected) {
  return std::all_of(values.begin(), values.end(), [&](float v) { return v == expected; });
}

void ExpectStep(const absl::StatusOr<RunPosition>& position, MarkedRun* run, uint64_t step) {
  ASSERT_TRUE(position.ok()) << position.status();
  EXPECT_EQ(position->step, step);
  EXPECT_EQ(run->optimiser.steps(), step);
  for (size_t i = 0; i < run->student->parameters().size(); ++i) {
    EXPECT_TRUE(AllEqual(run->student->parameters()[i].values, float(step)));
    EXPECT_TRUE(AllEqual(run->optimiser.first_moment(i), float(step)));
    EXPECT_TRUE(AllEqual(run->optimiser.second_moment(i), float(step)));
  }
}

TEST(CheckpointTest, LoadsTheNewestAndKeepsTwo) {
  const ScopedTempDirectory dir;
  MarkedRun run;
  for (const uint64_t step : {50u, 100u, 150u}) ASSERT_TRUE(run.Save(dir.path(), step).ok());
  MarkedRun loaded;
  const auto position =
      LoadNewestCheckpoint(dir.path(), "run", loaded.student.get(), &loaded.optimiser);
  ExpectStep(position, &loaded, 150);
  EXPECT_EQ(position->epoch, 3u);
  EXPECT_EQ(position->position, 64u);
  EXPECT_EQ(position->seed, 5u);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 2);
}

TEST(CheckpointTest, FallsBackWhenTheNewestIsDamaged) {
  for (const char* file : {"model.safetensors", "optimizer.safetensors", "manifest.json"}) {
    const ScopedTempDirectory dir;
    MarkedRun run;
    ASSERT_TRUE(run.Save(dir.path(), 50).ok());
    ASSERT_TRUE(run.Save(dir.path(), 100).ok());
    const auto path = dir.path() / "step-000000000100" / file;
    std::string content = ReadFile(path).value();
    content[content.size() / 2] ^= 1;
    ASSERT_TRUE(WriteFileDurably(path, content.substr(0, content.size() - 2)).ok());
    ExpectStep(LoadNewestCheckpoint(dir.path(), "run", run.student.get(), &run.optimiser), &run,
               50);
  }
}

TEST(CheckpointTest, TakesThePlaceOfADamagedOneOfTheSameStep) {
  const ScopedTempDirectory dir;
  MarkedRun run;
  ASSERT_TRUE(run.Save(dir.path(), 50).ok());
  ASSERT_TRUE(WriteFileDurably(dir.path() / "step-000000000050" / "manifest.json", "damaged").ok());
  ASSERT_TRUE(run.Save(dir.path(), 50).ok());
  ExpectStep(LoadNewestCheckpoint(dir.path(), "run", run.student.get(), &run.optimiser), &run, 50);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1);
}

TEST(CheckpointTest, RemovesWhatAKilledWriterLeft) {
  const ScopedTempDirectory dir;
  MarkedRun run;
  ASSERT_TRUE(MakeDirectories(dir.path() / ".writing-40").ok());
  ASSERT_TRUE(run.Save(dir.path(), 50).ok());
  EXPECT_FALSE(std::filesystem::exists(dir.path() / ".writing-40"));
}

TEST(CheckpointTest, ACopyDoesNotFollowTheStudent) {
  MarkedRun run;
  run.Mark(3);
  const RunState state = CopyRun({.step = 3, .run_hash = "run"}, run.student.get(), &run.optimiser);
  run.Mark(4);
  MarkedRun other;
  ExpectStep(DecodeRun(EncodeRun(state), "run", other.student.get(), &other.optimiser), &other, 3);
}

TEST(CheckpointTest, PassesOverAnotherRun) {
  const ScopedTempDirectory dir;
  MarkedRun run;
  ASSERT_TRUE(run.Save(dir.path(), 50).ok());
  const auto other = LoadNewestCheckpoint(dir.path(), "other", run.student.get(), &run.optimiser);
  EXPECT_EQ(other.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(LoadNewestCheckpoint(dir.path() / "no", "run", run.student.get(), &run.optimiser)
                .status()
                .code(),
            absl::StatusCode::kNotFound);
}

TEST(CheckpointTest, TravelsAsOneString) {
  MarkedRun run;
  run.Mark(7);
  const RunPosition position{.step = 7,
                             .run_hash = "run",
                             .loss_sum = 0.1,
                             .loss_rows = 3,
                             .curve = {{.step = 5, .epoch = 1.0, .train_loss = 0.3}}};
  const std::string bytes = EncodeRun(CopyRun(position, run.student.get(), &run.optimiser));
  MarkedRun other;
  const auto decoded = DecodeRun(bytes, "run", other.student.get(), &other.optimiser);
  ExpectStep(decoded, &other, 7);
  EXPECT_EQ(decoded->curve, position.curve);
  EXPECT_EQ(decoded->loss_sum, 0.1);
  EXPECT_EQ(decoded->loss_rows, 3u);
  const std::string cut = bytes.substr(0, bytes.size() - 1);
  EXPECT_FALSE(DecodeRun(cut, "run", other.student.get(), &other.optimiser).ok());
}

TEST(CheckpointTest, AKillAtAnyMomentLeavesAWholeCheckpoint) {
  const ScopedTempDirectory dir;
  MarkedRun run;
  ASSERT_TRUE(run.Save(dir.path(), 1).ok());
  uint64_t newest = 1;
  for (int round = 0; round < 5; ++round) {
    int started[2];
    ASSERT_EQ(::pipe(started), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      for (uint64_t step = newest + 1;; ++step) {
        if (!run.Save(dir.path(), step).ok()) ::_exit(1);
        if (::write(started[1], "x", 1) != 1) ::_exit(1);
      }
    }
    // Killed while it writes the checkpoint after the first few.
    char byte = 0;
    for (int i = 0; i <= round; ++i) ASSERT_EQ(::read(started[0], &byte, 1), 1);
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    ::close(started[0]);
    ::close(started[1]);
    MarkedRun loaded;
    const auto position =
        LoadNewestCheckpoint(dir.path(), "run", loaded.student.get(), &loaded.optimiser);
    ASSERT_TRUE(position.ok()) << position.status();
    EXPECT_GT(position->step, newest);
    newest = position->step;
    ExpectStep(position, &loaded, newest);
  }
}

}  // namespace
}  // namespace limbeck::trainer
