#include "gateway/dispatch/teacher_client.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "gateway/dispatch/worker_pool.h"

namespace limbeck::gateway {
namespace {

class TeacherClientImpl : public TeacherClient {
 public:
  TeacherClientImpl(const TeacherConfig& config, const Provider* provider, QuotaPool* pool,
                    http::Transport* transport, const TeacherClientOptions& options)
      : workers_(std::make_unique<WorkerPool>(options.parse_threads)),
        scheduler_(
            config, provider, pool, transport, Clock::Real(), options.dispatch,
            [this](std::function<void()> task) { workers_->Run(std::move(task)); },
            [this] { Wake(); }, options.registry),
        thread_([this] { Loop(); }) {}

  ~TeacherClientImpl() override {
    Shutdown();
    thread_.join();
    // Joins, so that no callback is left inside the scheduler when it goes.
    workers_.reset();
  }

  absl::Status Ask(Call call) override { return scheduler_.Ask(std::move(call)); }

  void Shutdown() override {
    scheduler_.Shutdown();
    absl::MutexLock lock(&mu_);
    stopping_ = true;
    awake_ = true;
  }

  void GiveUp() override {
    scheduler_.GiveUp();
    Shutdown();
  }

  void Resume() override { scheduler_.Resume(); }
  DispatchState state() const override { return scheduler_.state(); }

 private:
  void Wake() {
    absl::MutexLock lock(&mu_);
    awake_ = true;
  }

  void Loop() {
    while (true) {
      const std::optional<SteadyTime> next = scheduler_.Pump();
      const absl::Duration wait = next.has_value()
                                      ? std::max(absl::ZeroDuration(), *next - Clock::Real()->Now())
                                      : absl::InfiniteDuration();
      absl::MutexLock lock(&mu_);
      mu_.AwaitWithTimeout(absl::Condition(&awake_), wait);
      awake_ = false;
      // The last call's End wakes us, so this is seen.
      if (stopping_ && scheduler_.idle()) return;
    }
  }

  absl::Mutex mu_;
  bool awake_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::unique_ptr<WorkerPool> workers_;
  TeacherScheduler scheduler_;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<TeacherClient> TeacherClient::Create(const TeacherConfig& config,
                                                     const Provider* provider, QuotaPool* pool,
                                                     http::Transport* transport,
                                                     const TeacherClientOptions& options) {
  return std::make_unique<TeacherClientImpl>(config, provider, pool, transport, options);
}

}  // namespace limbeck::gateway
