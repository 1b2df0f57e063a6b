#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/log.h"
#include "gateway/limits/shared_quota.h"

namespace limbeck::gateway {
namespace {

class Impl : public SharedQuotaThread {
 public:
  Impl(std::unique_ptr<SharedQuota> quota, absl::Duration interval, std::string pool)
      : quota_(std::move(quota)),
        interval_(interval),
        pool_(std::move(pool)),
        thread_([this] { Loop(); }) {}

  ~Impl() override {
    {
      absl::MutexLock lock(&mu_);
      stopping_ = true;
    }
    thread_.join();
    const absl::Status released = quota_->Release();
    if (!released.ok()) Report(released);
  }

 private:
  void Loop() {
    bool was_ok = true;
    while (true) {
      const absl::Status status = quota_->Refresh();
      if (!status.ok() && was_ok) Report(status);
      if (status.ok() && !was_ok) {
        LIMBECK_LOG(INFO) << "the shared quota pool is reached again" << LogField("pool", pool_);
      }
      was_ok = status.ok();
      absl::MutexLock lock(&mu_);
      if (mu_.AwaitWithTimeout(absl::Condition(&stopping_), interval_)) return;
    }
  }

  void Report(const absl::Status& status) {
    LIMBECK_LOG(WARNING) << "the shared quota pool cannot be reached; nothing further is sent once "
                            "what is held runs out"
                         << LogField("pool", pool_) << LogField("why", status);
  }

  const std::unique_ptr<SharedQuota> quota_;
  const absl::Duration interval_;
  const std::string pool_;
  absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<SharedQuotaThread> SharedQuotaThread::Start(std::unique_ptr<SharedQuota> quota,
                                                            absl::Duration interval,
                                                            const std::string& pool) {
  return std::make_unique<Impl>(std::move(quota), interval, pool);
}

}  // namespace limbeck::gateway
