#include "trainer/worker/worker.h"

#include <atomic>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/grpc/status_codec.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/status.h"
#include "base/version.h"
#include "cache/client/grpc_cache_client.h"

namespace limbeck::trainer {
namespace {

bool IsPermanent(const absl::Status& status) {
  return absl::IsFailedPrecondition(status) || absl::IsUnauthenticated(status) ||
         absl::IsInvalidArgument(status) || absl::IsPermissionDenied(status);
}

// What a run's end means to the coordinator.
v1::WorkRequest::Ended::Outcome OutcomeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return v1::WorkRequest::Ended::OUTCOME_DONE;
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kResourceExhausted:
      return v1::WorkRequest::Ended::OUTCOME_INTERRUPTED;
    default:
      return v1::WorkRequest::Ended::OUTCOME_FAILED;
  }
}

}  // namespace

// One stream's life: heartbeats on a thread of their own, at most one run on another.
class Worker::Stream {
 public:
  Stream(const WorkerOptions& options, v1::WorkerService::Stub* stub, Clock* clock)
      : options_(options), clock_(clock), last_heard_(clock->Now()) {
    stream_ = stub->Work(&context_);
  }

  absl::Status Serve(bool* registered) {
    v1::WorkRequest hello;
    v1::WorkRequest::Register* registration = hello.mutable_register_();
    registration->set_worker_id(options_.worker_id);
    registration->set_host(options_.settings.host);
    registration->set_threads(static_cast<uint32_t>(options_.settings.threads));
    registration->set_version(std::string(kVersion));
    Send(hello);
    v1::WorkResponse message;
    while (stream_->Read(&message)) {
      Heard();
      if (message.has_registered()) {
        *registered = true;
        StartHeartbeats(absl::Milliseconds(message.registered().heartbeat_ms()));
        LIMBECK_LOG(INFO) << "registered" << LogField("worker", options_.worker_id)
                          << LogField("coordinator", message.registered().coordinator());
      }
      Handle(message);
    }
    EndRun();
    StopHeartbeats();
    return rpc::FromGrpc(stream_->Finish());
  }

  // From any thread: ends the run in an orderly way, then the stream.
  void Stop() {
    CancelRun();
    absl::MutexLock lock(&write_mu_);
    stream_->WritesDone();
    closed_ = true;
    // A coordinator that does not answer must not keep the process.
    context_.TryCancel();
  }

 private:
  bool Send(const v1::WorkRequest& message) {
    absl::MutexLock lock(&write_mu_);
    return !closed_ && stream_->Write(message);
  }

  void Heard() {
    absl::MutexLock lock(&mu_);
    last_heard_ = clock_->Now();
  }

  void Handle(const v1::WorkResponse& message) {
    if (message.has_assignment()) {
      EndRun();
      StartRun(message.assignment());
      return;
    }
    absl::MutexLock lock(&mu_);
    if (run_ == nullptr) return;
    if (message.has_rendezvous() && message.rendezvous().generation() == run_->generation()) {
      run_->OnRendezvous(message.rendezvous().address());
    } else if (message.has_report_stored() &&
               message.report_stored().generation() == run_->generation()) {
      run_->OnReportStored();
    } else if (message.has_stop() && message.stop().generation() == run_->generation()) {
      LIMBECK_LOG(INFO) << "stopping the assignment" << LogField("reason", message.stop().reason());
      run_->Cancel();
    }
  }

  void StartRun(const v1::WorkResponse::Assignment& assignment) {
    LIMBECK_LOG(INFO) << "assigned" << LogField("job", assignment.job_id())
                      << LogField("rank", assignment.rank())
                      << LogField("workers", assignment.world_size())
                      << LogField("generation", assignment.generation());
    auto client = cache::NewCacheClient(assignment.cache_address(), options_.cache_channel);
    if (!client.ok()) {
      SendEnded(assignment.generation(), client.status());
      return;
    }
    cache_ = *std::move(client);
    absl::MutexLock lock(&mu_);
    run_ = std::make_unique<AssignmentRun>(
        assignment, options_.settings, cache_.get(),
        [this](const v1::WorkRequest& message) { return Send(message); }, clock_);
    thread_ = std::thread([this, run = run_.get()] {
      const absl::Status status = run->Execute();
      LIMBECK_LOG(INFO) << "assignment ended" << LogField("status", status.ToString());
      SendEnded(run->generation(), status);
    });
  }

  void SendEnded(uint64_t generation, const absl::Status& status) {
    v1::WorkRequest message;
    message.mutable_ended()->set_generation(generation);
    message.mutable_ended()->set_outcome(OutcomeOf(status));
    message.mutable_ended()->set_message(std::string(ToStd(status.message())));
    Send(message);
  }

  void CancelRun() {
    absl::MutexLock lock(&mu_);
    if (run_ != nullptr) run_->Cancel();
  }

  void EndRun() {
    CancelRun();
    if (thread_.joinable()) thread_.join();
    absl::MutexLock lock(&mu_);
    run_.reset();
  }

  void StartHeartbeats(absl::Duration interval) {
    if (heart_.joinable() || interval <= absl::ZeroDuration()) return;
    heart_ = std::thread([this, interval] {
      v1::WorkRequest beat;
      beat.mutable_heartbeat();
      while (true) {
        {
          absl::MutexLock lock(&mu_);
          if (mu_.AwaitWithTimeout(absl::Condition(&heart_stopped_), interval)) return;
          if (clock_->Now() - last_heard_ > interval * options_.missed_heartbeats) {
            LIMBECK_LOG(WARNING) << "the coordinator is silent; connecting again";
            context_.TryCancel();
            return;
          }
        }
        Send(beat);
      }
    });
  }

  void StopHeartbeats() {
    {
      absl::MutexLock lock(&mu_);
      heart_stopped_ = true;
    }
    if (heart_.joinable()) heart_.join();
  }

  const WorkerOptions& options_;
  Clock* const clock_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::WorkRequest, v1::WorkResponse>> stream_;

  absl::Mutex write_mu_;
  bool closed_ ABSL_GUARDED_BY(write_mu_) = false;

  // The reading thread's own.
  std::unique_ptr<cache::CacheClient> cache_;
  std::thread thread_;
  std::thread heart_;

  absl::Mutex mu_;
  SteadyTime last_heard_ ABSL_GUARDED_BY(mu_);
  bool heart_stopped_ ABSL_GUARDED_BY(mu_) = false;
  std::unique_ptr<AssignmentRun> run_ ABSL_GUARDED_BY(mu_);
};

Worker::Worker(WorkerOptions options, std::shared_ptr<grpc::Channel> coordinator, Clock* clock)
    : options_(std::move(options)), stub_(v1::WorkerService::NewStub(coordinator)), clock_(clock) {}

Worker::~Worker() = default;

absl::Status Worker::RunStream(bool* registered) {
  Stream stream(options_, stub_.get(), clock_);
  {
    absl::MutexLock lock(&mu_);
    if (stopping_) stream.Stop();
    stream_ = &stream;
  }
  absl::Status status = stream.Serve(registered);
  absl::MutexLock lock(&mu_);
  stream_ = nullptr;
  return status;
}

absl::Status Worker::Run() {
  Backoff backoff(options_.reconnect, StableRandom(Xxh3(options_.worker_id), 0));
  bool told = false;
  while (true) {
    bool registered = false;
    const absl::Status status = RunStream(&registered);
    {
      absl::MutexLock lock(&mu_);
      if (stopping_) return absl::OkStatus();
    }
    if (!registered && IsPermanent(status)) return status;
    if (registered) {
      backoff.Reset();
      told = false;
    }
    if (!told) {
      LIMBECK_LOG(WARNING) << "no coordinator, trying again until there is one"
                           << LogField("status", status.ToString());
      told = true;
    }
    absl::MutexLock lock(&mu_);
    if (mu_.AwaitWithTimeout(absl::Condition(&stopping_), backoff.Next())) {
      return absl::OkStatus();
    }
  }
}

void Worker::Stop() {
  absl::MutexLock lock(&mu_);
  stopping_ = true;
  if (stream_ != nullptr) stream_->Stop();
}

}  // namespace limbeck::trainer
