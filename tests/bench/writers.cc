#include "tests/bench/writers.h"

#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "tests/bench/figure.h"

namespace limbeck::bench {

absl::StatusOr<double> TimeWriters(size_t writers, size_t count,
                                   const std::function<absl::Status(size_t, size_t)>& write) {
  absl::Notification go;
  std::vector<absl::Status> results(writers);
  std::vector<std::thread> threads;
  for (size_t writer = 0; writer < writers; ++writer) {
    threads.emplace_back([&, writer] {
      go.WaitForNotification();
      for (size_t i = 0; i < count && results[writer].ok(); ++i) {
        results[writer] = write(writer, i);
      }
    });
  }
  const Stopwatch watch;
  go.Notify();
  for (std::thread& thread : threads) thread.join();
  const double seconds = watch.Seconds();
  for (const absl::Status& result : results) {
    if (!result.ok()) return result;
  }
  return static_cast<double>(writers * count) / seconds;
}

}  // namespace limbeck::bench
