#include "tests/bench/train.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/file.h"
#include "base/status.h"
#include "tests/bench/figure.h"
#include "tests/bench/memory_stream.h"
#include "tests/support/process.h"
#include "trainer/loop/train.h"
#include "trainer/students/student.h"

namespace limbeck::bench {
namespace {

constexpr int kRuns = 3;
constexpr uint64_t kWarmUpSteps = 20;
constexpr double kMeasuredSeconds = 4;
constexpr const char* kRate = "rate ";
constexpr const char* kStore = "store ";

// What a child process is told.
struct RankArguments {
  uint32_t rank = 0;
  uint32_t world_size = 1;
  std::string store;  // Not used by rank 0.
  std::string directory;
};

// Prints the rate once it is known and ends the process: a run has no end of its own.
void Watch(const trainer::TrainEvent& event, uint32_t global_batch, absl::Time* start) {
  if (event.step == kWarmUpSteps) *start = absl::Now();
  if (event.step <= kWarmUpSteps) return;
  const double seconds = absl::ToDoubleSeconds(absl::Now() - *start);
  if (seconds < kMeasuredSeconds) return;
  const double texts = static_cast<double>((event.step - kWarmUpSteps) * global_batch);
  std::printf("%s%.17g\n", kRate, texts / seconds);
  std::fflush(stdout);
  ::_exit(0);
}

absl::Status RunRank(const TrainCase& train, const RankArguments& arguments) {
  LIMBECK_ASSIGN_OR_RETURN(const std::vector<cache::StreamItem> items, DefinitionItems());
  std::unique_ptr<trainer::RendezvousStore> store;
  trainer::GroupOptions group_options{.rank = arguments.rank, .world_size = arguments.world_size};
  if (arguments.world_size > 1 && arguments.rank == 0) {
    LIMBECK_ASSIGN_OR_RETURN(store,
                             trainer::RendezvousStore::Serve("127.0.0.1", absl::Seconds(30)));
    std::printf("%s%s\n", kStore, store->address().c_str());
    std::fflush(stdout);
  } else {
    group_options.store_address = arguments.store;
  }
  LIMBECK_ASSIGN_OR_RETURN(const auto group, trainer::JoinGroup(group_options, store.get()));
  LIMBECK_ASSIGN_OR_RETURN(const auto student, trainer::CreateStudent(train.student, 1));
  LIMBECK_ASSIGN_OR_RETURN(
      cache::LabelSet labels,
      cache::LabelSet::Create({{"animal"}, {"food"}, {"person"}, {"place"}, {"plant"}}));
  const trainer::RowDecoder decoder{.reader = cache::LabelReader(std::move(labels))};
  trainer::TrainOptions options;
  options.epochs = 1'000'000;
  options.global_batch = train.global_batch;
  options.learning_rate = train.learning_rate;
  options.items = items.size();
  options.run_hash = "bench";
  options.checkpoint_directory = arguments.directory;
  std::atomic<bool> cancelled = false;
  absl::Time start;
  trainer::TrainHooks hooks;
  hooks.cancelled = &cancelled;
  hooks.on_event = [&](const trainer::TrainEvent& event) {
    // The others go on until they are ended: one that left first would break rank 0's step.
    if (arguments.rank == 0) Watch(event, options.global_batch, &start);
  };
  hooks.open_batches = [&](uint32_t epoch, uint64_t position) {
    const trainer::BatchOptions batches{.items = items.size(),
                                        .global_batch = options.global_batch,
                                        .rank = arguments.rank,
                                        .world_size = arguments.world_size,
                                        .epochs = options.epochs,
                                        .epoch = epoch,
                                        .position = position};
    const auto open = [&items, batches](
                          uint32_t e,
                          uint64_t p) -> absl::StatusOr<std::unique_ptr<cache::ItemStream>> {
      return std::make_unique<MemoryStream>(
          &items, cache::StreamOptions{.epoch = e,
                                       .position = p,
                                       .global_batch = batches.global_batch,
                                       .rank = batches.rank,
                                       .world_size = batches.world_size,
                                       .epochs = batches.epochs});
    };
    return std::make_unique<trainer::BatchReader>(
        batches, &decoder, open,
        [&student](std::span<const std::string> texts) { return student->Prepare(texts); },
        trainer::ReopenPolicy{});
  };
  return trainer::Train(options, student.get(), group.get(), {}, hooks).status();
}

absl::StatusOr<std::unique_ptr<testing::Process>> StartRank(const RankArguments& arguments) {
  testing::ProcessOptions options;
  options.program = std::filesystem::read_symlink("/proc/self/exe");
  options.arguments = {absl::StrCat(arguments.rank), absl::StrCat(arguments.world_size),
                       arguments.store.empty() ? "-" : arguments.store, arguments.directory};
  options.environment = {{"OMP_NUM_THREADS", "1"}, {"OMP_WAIT_POLICY", "passive"}};
  options.output = arguments.directory + ".log";
  return testing::Process::Start(options);
}

// Texts a second over the whole group.
absl::StatusOr<double> MeasureGroup(uint32_t workers) {
  const ScopedTempDirectory dir;
  RankArguments arguments{.world_size = workers, .directory = (dir.path() / "rank-0").string()};
  std::vector<std::unique_ptr<testing::Process>> ranks;
  LIMBECK_ASSIGN_OR_RETURN(ranks.emplace_back(), StartRank(arguments));
  if (workers > 1) {
    LIMBECK_ASSIGN_OR_RETURN(arguments.store, ranks[0]->WaitForLine(kStore, absl::Seconds(30)));
  }
  for (uint32_t rank = 1; rank < workers; ++rank) {
    arguments.rank = rank;
    arguments.directory = (dir.path() / absl::StrCat("rank-", rank)).string();
    LIMBECK_ASSIGN_OR_RETURN(ranks.emplace_back(), StartRank(arguments));
  }
  LIMBECK_ASSIGN_OR_RETURN(const std::string line, ranks[0]->WaitForLine(kRate, absl::Seconds(60)));
  double rate = 0;
  if (!absl::SimpleAtod(line, &rate)) return absl::InternalError(line);
  return rate;
}

absl::Status Measure(const TrainCase& train) {
  LIMBECK_ASSIGN_OR_RETURN(const std::vector<cache::StreamItem> items, DefinitionItems());
  std::vector<std::string> texts;
  for (const cache::StreamItem& item : items) texts.push_back(item.example.input);
  std::vector<double> limits;
  std::vector<double> one;
  std::vector<double> two;
  for (int run = 0; run < kRuns; ++run) {
    LIMBECK_ASSIGN_OR_RETURN(limits.emplace_back(), train.limit(texts));
    LIMBECK_ASSIGN_OR_RETURN(one.emplace_back(), MeasureGroup(1));
    LIMBECK_ASSIGN_OR_RETURN(two.emplace_back(), MeasureGroup(2));
  }
  const double limit = Median(limits);
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  Print({.name = train.figure + "_1_worker",
         .unit = "texts/s",
         .runs = one,
         .limit = limit,
         .limit_is = train.limit_is + ", one thread"});
  Print({.name = train.figure + "_2_workers",
         .unit = "texts/s",
         .runs = two,
         .limit = limit * std::min(2U, cores),
         .limit_is = train.limit_is + ", one thread, times workers that have a core"});
  return absl::OkStatus();
}

}  // namespace

int TrainMain(int argc, char** argv, const TrainCase& train) {
  const std::string name = "bench_" + train.figure;
  if (argc == 1) return Main(name.c_str(), [&train] { return Measure(train); });
  RankArguments arguments;
  if (argc != 5 || !absl::SimpleAtoi(argv[1], &arguments.rank) ||
      !absl::SimpleAtoi(argv[2], &arguments.world_size)) {
    std::fprintf(stderr, "usage: %s\n", argv[0]);
    return 2;
  }
  arguments.store = argv[3];
  arguments.directory = argv[4];
  return Main(name.c_str(), [&] { return RunRank(train, arguments); });
}

}  // namespace limbeck::bench
