// A whole Limbeck on this machine, each part its own process, for end-to-end tests and benchmarks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/file.h"
#include "tests/support/fake_teacher/fake_teacher.h"
#include "tests/support/fake_teacher/invoice.h"
#include "tests/support/process.h"
#include "tests/support/tcp_proxy.h"

namespace limbeck::testing {

// A teacher that runs elsewhere, with a quota pool of its own.
struct OtherTeacher {
  std::string name;
  std::string base_url;
  std::string kind = "openai";
};

struct ClusterOptions {
  // Only the cache.
  bool cache_only = false;
  size_t workers = 2;
  // Further arguments of "limbeck-trainer work".
  std::vector<std::string> worker_arguments;
  // A provider kind that needs no more configuration than URL, model and key.
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
  // The gateway's drain_seconds; absent: its default.
  std::optional<uint32_t> drain_seconds;
  // Sent to the teacher, from a file; empty: no key.
  std::string teacher_key;
  std::vector<OtherTeacher> other_teachers;
  // Gateways that share the cache, each with data of its own.
  size_t gateways = 1;
  // A connection string: the cache's records and shared quota pools are in that database, and each
  // gateway has a cache of its own ("cache", "cache-1", …) before it.
  std::string database;
  // Added to the pool of the teacher, for example ", shared: true".
  std::string pool_yaml;
  // The team's ceilings; 0: none.
  int64_t team_ceiling_micro_usd = 0;
  int64_t team_month_ceiling_micro_usd = 0;
  // The teacher in this process, so that a test sees each request and says what becomes of it.
  bool teacher_in_process = false;
  std::function<void(Stage, const HttpRequest&)> watcher;
  std::function<std::optional<Fault>(const Sighting&)> choose_fault;
  // Gateways reach the cache over a wire of the test's.
  bool proxy_cache = false;
  // How long a part may take to listen.
  absl::Duration start_timeout = absl::Minutes(4);
};

// Parts keep their ports and folders over restarts. Not thread-safe; the thread that makes it must
// outlive it (see Process).
class Cluster {
 public:
  // The teacher in jobs' specs.
  static constexpr const char* kTeacher = "fake";

  static absl::StatusOr<std::unique_ptr<Cluster>> Start(ClusterOptions options);

  // Parts by name: "teacher", "cache", "cache-1", …, "gateway", "gateway-1", …, "worker-0",
  // "worker-1", ….
  std::vector<std::string> parts() const;
  // SIGKILL; returns when the process is gone.
  absl::Status Kill(const std::string& part);
  // SIGTERM; the exit status. DEADLINE_EXCEEDED when it takes longer than `timeout`.
  absl::StatusOr<int> Stop(const std::string& part, absl::Duration timeout);
  // Starts a part that was killed or stopped, without waiting for it.
  absl::Status Launch(const std::string& part);
  // Starts it and waits until it listens.
  absl::Status Restart(const std::string& part);
  // OK while every part runs; else which one ended and what it wrote.
  absl::Status CheckAlive();
  Process* process(const std::string& part) { return running_.at(part).get(); }

  // Which gateway, by its part's name, Limbeck and workers talk to; "gateway" at first.
  void UseGateway(const std::string& part) { used_gateway_ = part; }

  // Of `teacher_in_process` and `proxy_cache`; else null.
  FakeTeacher* teacher() const { return teacher_.get(); }
  TcpProxy* cache_wire() const { return cache_wire_.get(); }

  // Runs `limbeck ARGUMENTS` against this cluster.
  absl::StatusOr<RunResult> Limbeck(const std::vector<std::string>& arguments,
                                    absl::Duration timeout = absl::Minutes(4));
  // Runs `limbeck-trainer ARGUMENTS`.
  absl::StatusOr<RunResult> Trainer(const std::vector<std::string>& arguments,
                                    absl::Duration timeout = absl::Minutes(4));

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
  absl::Status StartTeacher();
  absl::Status WriteConfig(const std::string& gateway) const;
  std::string TeacherYaml(const OtherTeacher& teacher) const;
  std::string TeachersYaml() const;
  std::string TeamYaml() const;
  std::string DrainYaml() const;
  std::filesystem::path ConfigOf(const std::string& part) const;
  std::vector<std::string> gateways() const;
  std::vector<std::string> caches() const;
  // The cache that a gateway talks to.
  std::string CacheOf(const std::string& gateway) const;
  absl::StatusOr<ProcessOptions> Program(const std::string& part) const;
  absl::StatusOr<RunResult> RunProgram(const std::string& program,
                                       std::vector<std::string> arguments, absl::Duration timeout);

  const ClusterOptions options_;
  const ScopedTempDirectory dir_;
  std::map<std::string, int> ports_;
  std::string used_gateway_ = "gateway";
  std::unique_ptr<FakeTeacher> teacher_;
  std::unique_ptr<TcpProxy> cache_wire_;
  int runs_ = 0;
  // Last, so that processes end before their folders go.
  std::map<std::string, std::unique_ptr<Process>> running_;
};

}  // namespace limbeck::testing
