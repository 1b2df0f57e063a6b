// One connection to a server that speaks PostgreSQL's protocol: pipelines of prepared statements,
// each with a deadline. Nothing else runs statements.
// https://www.postgresql.org/docs/15/libpq-pipeline-mode.html
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/secret.h"

namespace limbeck::kv {

struct Parameter {
  uint32_t type;      // Of binary_values.h.
  std::string value;  // Binary.
};

// `sql` is prepared once per connection, so use few different texts.
struct Statement {
  std::string sql;
  std::vector<Parameter> parameters;
};

// A field of what the server reports (PG_DIAG_…), empty where there is none.
std::string_view ReportField(const PGresult* report, int code);

// The rows of one statement's answer, in binary.
class Rows {
 public:
  explicit Rows(PGresult* result) : result_(result, PQclear) {}

  int size() const { return PQntuples(result_.get()); }
  bool IsNull(int row, int column) const { return PQgetisnull(result_.get(), row, column) != 0; }
  // Valid as long as the rows.
  std::string_view Get(int row, int column) const {
    return {PQgetvalue(result_.get(), row, column),
            static_cast<size_t>(PQgetlength(result_.get(), row, column))};
  }

  bool IsAnswer() const { return result_ != nullptr; }
  ExecStatusType Kind() const { return PQresultStatus(result_.get()); }
  std::string_view Error(int code) const { return ReportField(result_.get(), code); }

 private:
  std::unique_ptr<PGresult, decltype(&PQclear)> result_;
};

// What became of a pipeline.
struct PipelineResult {
  absl::Status status;
  // Of the first statement that failed; empty for a broken connection or a passed deadline.
  std::string sqlstate;
  // One for each statement, when all is well.
  std::vector<Rows> rows;
  // The last warning that the server sent meanwhile, empty for none. After a COMMIT it may say
  // that the standby has not confirmed.
  std::string warning;
};

// Not thread-safe.
class Connection {
 public:
  // `conninfo`: a connection string or URI of libpq's; what it leaves out comes from the usual
  // environment and password file. Looks for a server that takes writes, and turns on
  // synchronous_commit where it is off. FAILED_PRECONDITION: refused for good (password, database);
  // UNAVAILABLE: not reached within `timeout`. No error shows the password.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const std::string& conninfo,
                                                          const Secret& password,
                                                          absl::Duration timeout);

  // Sends all statements at once, and waits for all answers. The first failure skips the rest.
  // After a passed deadline or a protocol error the connection is broken, and whether the server
  // ran the statements is unknown.
  PipelineResult Run(const std::vector<Statement>& statements, absl::Duration timeout);

  // True once nothing can be done with it any more. Looks at the socket.
  bool IsBroken();
  bool InTransaction() const;
  // False where the server says that it does not sync its log to disk.
  bool server_syncs() const { return server_syncs_; }

 private:
  struct Sent;
  class Deadline;

  explicit Connection(PGconn* connection);
  absl::Status Prepare(absl::Duration timeout);
  bool Send(const std::vector<Statement>& statements, std::vector<Sent>* sent);
  absl::Status Flush(const Deadline& deadline);
  absl::Status AwaitResult(const Deadline& deadline);
  absl::Status AwaitSocket(const Deadline& deadline, short events);
  absl::Status Collect(const std::vector<Sent>& sent, const Deadline& deadline,
                       PipelineResult* result);
  absl::Status Broken(std::string_view action);

  const std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
  std::set<std::string, std::less<>> prepared_;  // SQL texts.
  std::string warning_;
  bool broken_ = false;
  bool server_syncs_ = true;
};

}  // namespace limbeck::kv
