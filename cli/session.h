// What every command shares: options, streams and connections.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/grpc/status_codec.h"
#include "cli/io.h"
#include "limbeck/v1/cache_service.grpc.pb.h"
#include "limbeck/v1/dataset_service.grpc.pb.h"
#include "limbeck/v1/distillation_service.grpc.pb.h"
#include "limbeck/v1/teacher_service.grpc.pb.h"

namespace limbeck::cli {

// Options that every command takes.
struct GlobalOptions {
  std::string server = "127.0.0.1:7400";
  std::string cache = "127.0.0.1:7401";
  std::string token_file;
  std::string ca_file;
  bool json = false;
};

// One run of the program. Not thread-safe.
class Session {
 public:
  // What a command does; the value is its exit status.
  using Command = std::function<absl::StatusOr<int>()>;

  // `clock` outlives the session; it paces reconnects.
  Session(Io io, Clock* clock) : io_(io), clock_(clock) {}

  const Io& io() const { return io_; }
  Clock* clock() const { return clock_; }
  GlobalOptions& options() { return options_; }

  // Set by the command that the command line names; run after parsing.
  void set_command(Command command) { command_ = std::move(command); }
  const Command& command() const { return command_; }

  // Connected on first use. INVALID_ARGUMENT or NOT_FOUND when the token file cannot be read.
  absl::StatusOr<v1::DistillationService::Stub*> Jobs();
  absl::StatusOr<v1::DatasetService::Stub*> Datasets();
  absl::StatusOr<v1::TeacherService::Stub*> Teachers();
  absl::StatusOr<v1::CacheService::Stub*> Cache();

 private:
  absl::StatusOr<std::shared_ptr<grpc::Channel>> Gateway();
  absl::StatusOr<std::shared_ptr<grpc::Channel>> Connect(const std::string& target) const;

  const Io io_;
  Clock* const clock_;
  GlobalOptions options_;
  Command command_;
  std::shared_ptr<grpc::Channel> gateway_;
  std::unique_ptr<v1::DistillationService::Stub> jobs_;
  std::unique_ptr<v1::DatasetService::Stub> datasets_;
  std::unique_ptr<v1::TeacherService::Stub> teachers_;
  std::unique_ptr<v1::CacheService::Stub> cache_;
};

// Longest wait for the answer to a unary call.
inline constexpr absl::Duration kCallTimeout = absl::Seconds(120);

// One unary call; the response, or the server's error with its details.
template <typename Response, typename Stub, typename Request>
absl::StatusOr<Response> Call(Stub* stub,
                              grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                           Response*),
                              const Request& request, absl::Duration timeout = kCallTimeout) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
  Response response;
  const grpc::Status status = (stub->*method)(&context, request, &response);
  if (!status.ok()) return rpc::FromGrpc(status);
  return response;
}

}  // namespace limbeck::cli
