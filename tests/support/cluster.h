// A whole Limbeck on this machine, each part its own process, for end-to-end tests and benchmarks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/file.h"
#include "tests/support/fake_teacher/invoice.h"
#include "tests/support/process.h"

namespace limbeck::testing {

struct ClusterOptions {
  // Only the cache.
  bool cache_only = false;
  size_t workers = 2;
  // Further arguments of "limbeck-trainer work".
  std::vector<std::string> worker_arguments;
  // "openai" or "anthropic".
  std::string teacher_kind = "openai";
  // JSON for the fake teacher: latency, keywords, faults.
  std::string teacher_script = "{}";
  // File whose bytes answer every request as fast as possible; no invoice then.
  std::filesystem::path static_answer;
  int64_t input_micro_usd_per_million = 1'000'000;
  int64_t output_micro_usd_per_million = 5'000'000;
  uint32_t max_concurrency = 16;
  uint32_t max_attempts = 5;
  // The teacher's `batch` in YAML, for example "{poll_seconds: 1}"; empty: it sells by calls only.
  std::string teacher_batch;
  // Longest wait for a whole answer.
  uint32_t timeout_seconds = 120;
  // Sent to the teacher, from a file; empty: no key.
  std::string teacher_key;
  // How long a part may take to listen.
  absl::Duration start_timeout = absl::Seconds(60);
};

// Parts keep their ports and folders over restarts. Not thread-safe; the thread that makes it must
// outlive it (see Process).
class Cluster {
 public:
  // The teacher in jobs' specs.
  static constexpr const char* kTeacher = "fake";

  static absl::StatusOr<std::unique_ptr<Cluster>> Start(ClusterOptions options);

  // Parts by name: "teacher", "cache", "gateway", "worker-0", "worker-1", ….
  std::vector<std::string> parts() const;
  // SIGKILL; returns when the process is gone.
  absl::Status Kill(const std::string& part);
  // SIGTERM; the exit status. DEADLINE_EXCEEDED when it takes longer than `timeout`.
  absl::StatusOr<int> Stop(const std::string& part, absl::Duration timeout);
  // Starts a part that was killed or stopped, and waits until it listens.
  absl::Status Restart(const std::string& part);
  // OK while every part runs; else which one ended and what it wrote.
  absl::Status CheckAlive();
  Process* process(const std::string& part) { return running_.at(part).get(); }

  // Runs `limbeck ARGUMENTS` against this cluster.
  absl::StatusOr<RunResult> Limbeck(const std::vector<std::string>& arguments,
                                    absl::Duration timeout = absl::Seconds(60));
  // Runs `limbeck-trainer ARGUMENTS`.
  absl::StatusOr<RunResult> Trainer(const std::vector<std::string>& arguments,
                                    absl::Duration timeout = absl::Seconds(60));

  // What the teacher served.
  absl::StatusOr<std::vector<InvoiceLine>> Invoice() const;
  // What the gateway's metrics server says.
  absl::StatusOr<std::string> Metrics() const;

  // A folder for the test's own files; parts write their data and logs beside it.
  std::filesystem::path dir() const { return dir_.path(); }
  std::string gateway_target() const;
  std::string cache_target() const;
  std::string teacher_target() const;
  // The last lines that each part wrote, for failure messages.
  std::string Logs() const;

 private:
  explicit Cluster(ClusterOptions options) : options_(std::move(options)) {}

  absl::Status ChoosePorts();
  absl::Status WriteConfig() const;
  absl::StatusOr<ProcessOptions> Program(const std::string& part) const;
  absl::StatusOr<RunResult> RunProgram(const std::string& program,
                                       std::vector<std::string> arguments, absl::Duration timeout);

  const ClusterOptions options_;
  const ScopedTempDirectory dir_;
  std::map<std::string, int> ports_;
  int runs_ = 0;
  // Last, so that processes end before their folders go.
  std::map<std::string, std::unique_ptr<Process>> running_;
};

}  // namespace limbeck::testing
