// A PostgreSQL server of the system's package for one test: a fresh cluster in a temporary folder,
// reached over a socket file there, so that any number of them run side by side.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file.h"
#include "tests/support/process.h"

namespace limbeck::testing {

struct PostgresOptions {
  // Whether commits are on disk before they are acknowledged. Without, a test is several times
  // faster and nothing but a power failure is told apart.
  bool fsync = false;
  // More settings, "name=value".
  std::vector<std::string> settings;
};

// Not thread-safe. The server refuses to run as root, so it runs as "postgres" then.
class PostgresServer {
 public:
  // FAILED_PRECONDITION: the server's programs are not installed (./dev setup installs them).
  static absl::StatusOr<std::unique_ptr<PostgresServer>> Start(const PostgresOptions& options);
  ~PostgresServer();

  // A connection string of libpq's, for the schema's tables.
  std::string ConnectionString(const std::string& schema = "public") const;
  // Runs statements through psql, and returns what it prints.
  absl::StatusOr<std::string> Sql(const std::string& statements) const;
  // Ends it at once, like a crash: what was not acknowledged may be gone.
  void Kill();
  // Starts it again on its data.
  absl::Status Restart();

 private:
  PostgresServer(std::string programs, PostgresOptions options)
      : programs_(std::move(programs)), options_(std::move(options)) {}
  absl::Status Initialise();
  // How to run one of the server's programs as the right user.
  ProcessOptions Program(const std::string& name, std::vector<std::string> arguments) const;

  const std::string programs_;  // Their folder.
  const PostgresOptions options_;
  ScopedTempDirectory directory_;
  int starts_ = 0;
  std::unique_ptr<Process> process_;
};

}  // namespace limbeck::testing
