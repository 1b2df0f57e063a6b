#include "base/kv/postgres/connection.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/hash.h"
#include "base/kv/postgres/postgres_status.h"
#include "base/status.h"
#include "base/string_view.h"

namespace limbeck::kv {
namespace {

// The server keeps a prepared statement under this name.
std::string NameOf(std::string_view sql) { return absl::StrCat("s", absl::Hex(Xxh3(sql))); }

// Notices ("table exists already") are of no interest, warnings are.
void KeepWarning(void* warning, const PGresult* result) {
  if (ReportField(result, PG_DIAG_SEVERITY_NONLOCALIZED) != "WARNING") return;
  *static_cast<std::string*>(warning) = std::string(ReportField(result, PG_DIAG_MESSAGE_PRIMARY));
}

}  // namespace

std::string_view ReportField(const PGresult* report, int code) {
  const char* const field = PQresultErrorField(report, code);
  return field == nullptr ? std::string_view() : field;
}

class Connection::Deadline {
 public:
  explicit Deadline(absl::Duration timeout) : timeout_(timeout), end_(absl::Now() + timeout) {}

  int LeftMs() const {
    const double left = std::ceil(absl::ToDoubleMilliseconds(end_ - absl::Now()));
    return static_cast<int>(std::clamp(left, 0.0, 1e9));
  }
  absl::Duration timeout() const { return timeout_; }

 private:
  const absl::Duration timeout_;
  const absl::Time end_;
};

// A command in the pipeline, in order.
struct Connection::Sent {
  std::string prepares;  // The SQL text, for a PREPARE.
};

Connection::Connection(PGconn* connection) : connection_(connection, PQfinish) {
  PQsetNoticeReceiver(connection, KeepWarning, &warning_);
}

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const std::string& conninfo,
                                                             const Secret& password,
                                                             absl::Duration timeout) {
  const std::string seconds = absl::StrCat(
      std::max<int64_t>(2, absl::ToInt64Seconds(absl::Ceil(timeout, absl::Seconds(1)))));
  const std::string given(password.Reveal());
  // Later keywords win, and the connection string comes last. An empty value is as good as none.
  const char* const keywords[] = {
      "application_name", "target_session_attrs", "connect_timeout", "password", "dbname", nullptr};
  const char* const values[] = {"limbeck",     "read-write",     seconds.c_str(),
                                given.c_str(), conninfo.c_str(), nullptr};
  std::unique_ptr<Connection> connection(new Connection(PQconnectdbParams(keywords, values, 1)));
  PGconn* const pg = connection->connection_.get();
  if (PQstatus(pg) != CONNECTION_OK) {
    // libpq gives no SQLSTATE here. A server that answered refused this client; it may also just be
    // starting, which it says in words that are the user's to read.
    const bool refused = PQconnectionNeedsPassword(pg) != 0 || PQconnectionUsedPassword(pg) != 0;
    return absl::Status(
        refused ? absl::StatusCode::kFailedPrecondition : absl::StatusCode::kUnavailable,
        absl::StrCat("connect to the database: ", PQerrorMessage(pg)));
  }
  LIMBECK_RETURN_IF_ERROR(connection->Prepare(timeout));
  return connection;
}

absl::Status Connection::Prepare(absl::Duration timeout) {
  PGconn* const pg = connection_.get();
  if (PQsetnonblocking(pg, 1) != 0 || PQenterPipelineMode(pg) != 1) return Broken("connect");
  PipelineResult settings = Run(
      {{"SELECT current_setting('synchronous_commit', true), current_setting('fsync', true)", {}}},
      timeout);
  LIMBECK_RETURN_IF_ERROR(settings.status);
  const Rows& row = settings.rows[0];
  if (row.size() != 1) return absl::OkStatus();
  server_syncs_ = row.IsNull(0, 1) || row.Get(0, 1) != "off";
  if (row.IsNull(0, 0) || row.Get(0, 0) != "off") return absl::OkStatus();
  return Run({{"SET synchronous_commit = on", {}}}, timeout).status;
}

absl::Status Connection::Broken(std::string_view action) {
  broken_ = true;
  return FromPostgres("", PQerrorMessage(connection_.get()), action);
}

bool Connection::IsBroken() {
  PGconn* const pg = connection_.get();
  if (broken_ || PQstatus(pg) != CONNECTION_OK) return broken_ = true;
  // A server that went away has closed an idle socket, which can be read then.
  pollfd socket = {PQsocket(pg), POLLIN, 0};
  if (::poll(&socket, 1, 0) > 0 && PQconsumeInput(pg) != 1) broken_ = true;
  return broken_ = broken_ || PQstatus(pg) != CONNECTION_OK;
}

bool Connection::InTransaction() const {
  return PQtransactionStatus(connection_.get()) != PQTRANS_IDLE;
}

PipelineResult Connection::Run(const std::vector<Statement>& statements, absl::Duration timeout) {
  PipelineResult result;
  const Deadline deadline(timeout);
  std::vector<Sent> sent;
  warning_.clear();
  if (!Send(statements, &sent)) {
    result.status = Broken("send to the database");
    return result;
  }
  absl::Status status = Flush(deadline);
  if (status.ok()) status = Collect(sent, deadline, &result);
  if (!status.ok()) {
    broken_ = true;
    result.status = std::move(status);
    result.sqlstate.clear();
  }
  if (!result.status.ok()) result.rows.clear();
  result.warning = warning_;
  return result;
}

bool Connection::Send(const std::vector<Statement>& statements, std::vector<Sent>* sent) {
  PGconn* const pg = connection_.get();
  std::set<std::string_view> preparing;
  for (const Statement& statement : statements) {
    const std::string name = NameOf(statement.sql);
    std::vector<Oid> types;
    std::vector<const char*> values;
    std::vector<int> lengths;
    for (const Parameter& parameter : statement.parameters) {
      types.push_back(parameter.type);
      values.push_back(parameter.value.data());
      lengths.push_back(static_cast<int>(parameter.value.size()));
    }
    const int count = static_cast<int>(types.size());
    if (prepared_.count(statement.sql) == 0 && preparing.insert(statement.sql).second) {
      if (PQsendPrepare(pg, name.c_str(), statement.sql.c_str(), count, types.data()) != 1) {
        return false;
      }
      sent->push_back({statement.sql});
    }
    const std::vector<int> formats(types.size(), 1);
    if (PQsendQueryPrepared(pg, name.c_str(), count, values.data(), lengths.data(), formats.data(),
                            /*resultFormat=*/1) != 1) {
      return false;
    }
    sent->push_back({});
  }
  return PQpipelineSync(pg) == 1;
}

absl::Status Connection::AwaitSocket(const Deadline& deadline, short events) {
  while (true) {
    pollfd socket = {PQsocket(connection_.get()), events, 0};
    const int ready = ::poll(&socket, 1, deadline.LeftMs());
    if (ready > 0) return absl::OkStatus();
    if (ready == 0) {
      return absl::UnavailableError(absl::StrCat("the database did not answer within ",
                                                 absl::FormatDuration(deadline.timeout())));
    }
    if (errno != EINTR) return Broken("wait for the database");
  }
}

absl::Status Connection::Flush(const Deadline& deadline) {
  PGconn* const pg = connection_.get();
  while (true) {
    const int left = PQflush(pg);
    if (left == 0) return absl::OkStatus();
    if (left < 0) return Broken("send to the database");
    // Answers are read meanwhile, or both sides would wait for the other to read.
    LIMBECK_RETURN_IF_ERROR(AwaitSocket(deadline, POLLIN | POLLOUT));
    if (PQconsumeInput(pg) != 1) return Broken("read from the database");
  }
}

absl::Status Connection::AwaitResult(const Deadline& deadline) {
  PGconn* const pg = connection_.get();
  while (PQisBusy(pg) != 0) {
    LIMBECK_RETURN_IF_ERROR(AwaitSocket(deadline, POLLIN));
    if (PQconsumeInput(pg) != 1) return Broken("read from the database");
  }
  return absl::OkStatus();
}

absl::Status Connection::Collect(const std::vector<Sent>& sent, const Deadline& deadline,
                                 PipelineResult* result) {
  PGconn* const pg = connection_.get();
  for (const Sent& command : sent) {
    LIMBECK_RETURN_IF_ERROR(AwaitResult(deadline));
    Rows rows(PQgetResult(pg));
    switch (rows.Kind()) {
      case PGRES_COMMAND_OK:
      case PGRES_TUPLES_OK:
        if (!command.prepares.empty()) {
          prepared_.insert(command.prepares);
        } else {
          result->rows.push_back(std::move(rows));
        }
        break;
      case PGRES_PIPELINE_ABORTED:
        break;
      default:
        if (!rows.IsAnswer()) return Broken("read from the database");
        result->sqlstate = std::string(rows.Error(PG_DIAG_SQLSTATE));
        result->status =
            FromPostgres(result->sqlstate, rows.Error(PG_DIAG_MESSAGE_PRIMARY), "database");
        if (result->sqlstate.empty()) return Broken("read from the database");
    }
    // Each command's answer ends with a null.
    LIMBECK_RETURN_IF_ERROR(AwaitResult(deadline));
    if (PGresult* const more = PQgetResult(pg); more != nullptr) {
      PQclear(more);
      return Broken("more answers than questions");
    }
  }
  LIMBECK_RETURN_IF_ERROR(AwaitResult(deadline));
  if (Rows(PQgetResult(pg)).Kind() != PGRES_PIPELINE_SYNC) return Broken("end of pipeline");
  return absl::OkStatus();
}

}  // namespace limbeck::kv
