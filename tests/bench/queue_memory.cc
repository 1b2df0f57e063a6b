// Memory of the gateway with 1,000,000 and with 10,000,000 queries queued: the peak above idle,
// through upload, quote, expansion and the first buying from a slow teacher.
#include <fstream>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/file.h"
#include "base/status.h"
#include "tests/bench/figure.h"
#include "tests/bench/job_watch.h"
#include "tests/e2e/definitions_job.h"
#include "tests/e2e/job_run.h"
#include "tests/support/cluster.h"

namespace limbeck::bench {
namespace {

constexpr double kGoalMegabytes = 100;
// So many answers mean that the queue is being worked on.
constexpr uint64_t kAnswers = 200;

struct QueueCase {
  const char* figure;
  size_t rows = 0;
  // Values of a grid variable, each of which asks a training row once more.
  size_t variants = 1;
  // For the quote, which reads and renders all of it.
  absl::Duration patience;
};

constexpr QueueCase kCases[] = {
    {"queue_memory", 1'000'000, 1, absl::Minutes(3)},
    // Held-out and validation rows are asked once.
    {"queue_memory_10m", 1'340'000, 10, absl::Minutes(30)},
};

absl::StatusOr<std::filesystem::path> WriteRows(const QueueCase& queue,
                                                const std::filesystem::path& folder) {
  LIMBECK_RETURN_IF_ERROR(MakeDirectories(folder));
  std::ofstream rows(folder / "train.jsonl");
  for (size_t row = 0; row < queue.rows; ++row) {
    rows << "{\"text\": \"row " << row
         << ": an animal of a certain size\", \"label\": \"animal\"}\n";
  }
  rows.close();
  if (!rows) return absl::ResourceExhaustedError("cannot write the rows");
  testing::DefinitionsJob job;
  job.smoke_rows = 0;
  job.ceiling_micro_usd = 1'000'000'000'000;
  nlohmann::json spec = testing::JobSpecJson(job);
  spec["data"].erase("held_out");
  spec["data"].erase("id_column");
  if (queue.variants > 1) {
    nlohmann::json tones = nlohmann::json::array();
    for (size_t i = 0; i < queue.variants; ++i) tones.push_back(absl::StrCat("tone ", i));
    spec["data"]["expansion"]["grid"]["tone"] = tones;
    nlohmann::json& prompt = spec["data"]["prompt"]["user"];
    prompt = absl::StrCat(prompt.get<std::string>(), "\n{{ tone }}");
  }
  LIMBECK_RETURN_IF_ERROR(WriteFileDurably(folder / "job.yaml", spec.dump(2)));
  return folder / "job.yaml";
}

bool Buying(const v1::JobEvent& event) {
  return event.job().progress().queries_bought() >= kAnswers;
}

absl::Status Measure(const QueueCase& queue) {
  testing::ClusterOptions options;
  options.workers = 0;
  options.teacher_script = R"({"latency_ms": 200})";
  LIMBECK_ASSIGN_OR_RETURN(auto cluster, testing::Cluster::Start(std::move(options)));
  LIMBECK_ASSIGN_OR_RETURN(const auto file, WriteRows(queue, cluster->dir() / "job"));
  testing::Process* gateway = cluster->process("gateway");
  const double idle = static_cast<double>(gateway->PeakResidentBytes());
  auto created = cluster->Limbeck({"jobs", "create", "-f", file.string(), "--yes", "--id-only"},
                                  queue.patience);
  if (!created.ok()) return Annotate(created.status(), cluster->Logs());
  if (created->exit_code != 0) return absl::InternalError(created->err);
  const std::string id = created->out.substr(0, created->out.find('\n'));
  auto event =
      WatchJob(cluster->gateway_target(), id, v1::PHASE_KIND_HARVEST, absl::Seconds(60), Buying);
  if (!event.ok()) return Annotate(event.status(), cluster->Logs());
  const double above_idle = static_cast<double>(gateway->PeakResidentBytes()) - idle;
  Print({.name = queue.figure,
         .unit = "MB",
         .runs = {above_idle / 1e6},
         .limit = kGoalMegabytes,
         .limit_is = absl::StrCat("goal: peak resident set above idle (", idle / 1e6, " MB) with ",
                                  event->job().progress().queries_total(),
                                  " queries queued; lower is better")});
  return absl::OkStatus();
}

absl::Status Run() {
  for (const QueueCase& queue : kCases) LIMBECK_RETURN_IF_ERROR(Measure(queue));
  return absl::OkStatus();
}

}  // namespace
}  // namespace limbeck::bench

int main() { return limbeck::bench::Main("bench_queue_memory", limbeck::bench::Run); }
