#include "tests/bench/harvest.h"

#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/status.h"
#include "tests/bench/bare_client.h"
#include "tests/bench/figure.h"
#include "tests/bench/job_watch.h"
#include "tests/bench/static_answer.h"
#include "tests/e2e/definitions_job.h"
#include "tests/e2e/job_run.h"
#include "tests/support/cluster.h"
#include "tests/support/process.h"

namespace limbeck::bench {
namespace {

using nlohmann::json;
using testing::Cluster;

constexpr int kRuns = 3;
constexpr uint32_t kConnections = 64;

std::string Row(int run, size_t row) {
  return json{{"text", absl::StrCat("run ", run, ", row ", row, ": an animal of a certain size")},
              {"label", "animal"}}
             .dump() +
         "\n";
}

absl::StatusOr<std::filesystem::path> WriteHarvestJob(const HarvestCase& harvest, int run,
                                                      const std::filesystem::path& folder) {
  LIMBECK_RETURN_IF_ERROR(MakeDirectories(folder));
  std::string rows;
  for (size_t row = 0; row < harvest.rows; ++row) rows += Row(run, row);
  LIMBECK_RETURN_IF_ERROR(WriteFileDurably(folder / "train.jsonl", rows));
  testing::DefinitionsJob job;
  job.smoke_rows = 0;
  job.ceiling_micro_usd = 1'000'000'000;
  json spec = testing::JobSpecJson(job);
  spec["data"].erase("held_out");
  spec["data"].erase("id_column");
  spec["teachers"][0]["top_logprobs"] = 20;
  spec["teachers"][0]["sampling"] = {{"max_tokens", harvest.tokens}};
  LIMBECK_RETURN_IF_ERROR(WriteFileDurably(folder / "job.yaml", spec.dump(2)));
  return folder / "job.yaml";
}

// No workers are there, so the job stops of itself after its harvest.
absl::StatusOr<double> HarvestOnce(Cluster& cluster, const HarvestCase& harvest, int run) {
  LIMBECK_ASSIGN_OR_RETURN(
      const std::filesystem::path file,
      WriteHarvestJob(harvest, run, cluster.dir() / absl::StrCat("job-", run)));
  LIMBECK_ASSIGN_OR_RETURN(const std::string id, testing::CreateJob(cluster, file));
  LIMBECK_ASSIGN_OR_RETURN(
      const v1::JobEvent event,
      WatchJob(cluster.gateway_target(), id, v1::PHASE_KIND_HARVEST, absl::Seconds(60)));
  LIMBECK_ASSIGN_OR_RETURN(const double seconds, PhaseSeconds(event.job(), v1::PHASE_KIND_HARVEST));
  if (event.job().progress().queries_bought() != harvest.rows) {
    return absl::InternalError(absl::StrCat("bought ", event.job().progress().queries_bought(),
                                            " of ", harvest.rows, " answers"));
  }
  LIMBECK_RETURN_IF_ERROR(cluster.Limbeck({"jobs", "cancel", id}).status());
  return static_cast<double>(harvest.rows) / seconds;
}

std::string SampleRequest(size_t tokens) {
  return json{{"model", "fake-model"},
              {"messages", json::array({{{"role", "system"},
                                         {"content",
                                          "What does this text define? Answer with one "
                                          "word: animal, food, person, place, plant."}},
                                        {{"role", "user"}, {"content", Row(0, 0)}}})},
              {"logprobs", true},
              {"top_logprobs", 20},
              {"max_tokens", tokens},
              {"temperature", 0}}
      .dump();
}

// The script's answers a second on the same server; nothing where no peers are wanted.
absl::StatusOr<std::optional<double>> RunPeer(const std::string& url, const HarvestCase& harvest,
                                              const std::filesystem::path& folder) {
  const char* python = std::getenv("LIMBECK_PEER_PYTHON");
  const char* scripts = std::getenv("LIMBECK_PEERS");
  if (python == nullptr || scripts == nullptr) return std::nullopt;
  std::string rows;
  for (size_t row = 0; row < harvest.peer_rows; ++row) {
    rows += SampleRequest(harvest.tokens) + "\n";
  }
  LIMBECK_RETURN_IF_ERROR(WriteFileDurably(folder / "requests.jsonl", rows));
  testing::ProcessOptions options;
  options.program = python;
  options.arguments = {absl::StrCat(scripts, "/harvest_aiohttp.py"), url,
                       absl::StrCat(kConnections), (folder / "requests.jsonl").string(),
                       (folder / "answers.jsonl").string()};
  options.output = folder / "peer.out";
  options.error_output = folder / "peer.err";
  LIMBECK_ASSIGN_OR_RETURN(const testing::RunResult result,
                           testing::RunToEnd(options, absl::Minutes(5)));
  const json told = json::parse(result.out, nullptr, /*allow_exceptions=*/false);
  if (result.exit_code != 0 || !told.is_object()) {
    return absl::InternalError(absl::StrCat("the peer failed: ", result.err));
  }
  return told.value("answers", 0.0) / told.value("seconds", 1.0);
}

}  // namespace

absl::Status MeasureHarvest(const HarvestCase& harvest) {
  const ScopedTempDirectory files;
  const std::string answer =
      ChatAnswer(harvest.tokens, 20, {"animal", "food", "person", "place", "plant"});
  LIMBECK_RETURN_IF_ERROR(WriteFileDurably(files.path() / "answer.json", answer));
  testing::ClusterOptions options;
  options.workers = 0;
  options.static_answer = files.path() / "answer.json";
  options.max_concurrency = kConnections;
  LIMBECK_ASSIGN_OR_RETURN(std::unique_ptr<Cluster> cluster, Cluster::Start(std::move(options)));
  const std::string url =
      absl::StrCat("http://", cluster->teacher_target(), "/v1/chat/completions");
  std::vector<double> bare;
  std::vector<double> peer;
  Figure figure;
  figure.name = harvest.figure;
  figure.unit = "answers/s";
  for (int run = 0; run < kRuns; ++run) {
    LIMBECK_ASSIGN_OR_RETURN(
        const BareRun limit,
        RunBareClient(url, SampleRequest(harvest.tokens), harvest.bare_answers, kConnections));
    bare.push_back(limit.answers_per_second);
    auto rate = HarvestOnce(*cluster, harvest, run);
    if (!rate.ok()) return Annotate(rate.status(), cluster->Logs());
    figure.runs.push_back(*rate);
    LIMBECK_ASSIGN_OR_RETURN(const auto script, RunPeer(url, harvest, files.path()));
    if (script.has_value()) peer.push_back(*script);
  }
  figure.limit = Median(bare);
  figure.limit_is = absl::StrCat("libcurl + simdjson reading every candidate of the same ",
                                 answer.size(), " B answers, nothing stored");
  Print(figure);
  if (!peer.empty()) {
    figure.name += "_peer";
    figure.limit = Median(peer);
    figure.limit_is = "aiohttp + orjson script on the same server, nothing synced";
    Print(figure);
  }
  return absl::OkStatus();
}

}  // namespace limbeck::bench
