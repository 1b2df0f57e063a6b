// Waits for a known moment in the life of one call to the teacher.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tests/support/fake_teacher/script.h"
#include "tests/support/loopback_server.h"

namespace limbeck::testing {

// What happens to the one call that is waited for.
struct Ambush {
  uint64_t nth = 1;  // Which question, counted from Arm.
  Fault fault;
  // How far that call has to get.
  Stage stage = Stage::kReceived;
  // Called on the teacher's thread when the question is there and nothing is answered, and when the
  // call has got to `stage`; may be null.
  std::function<void()> on_question = nullptr;
  std::function<void()> on_stage = nullptr;
  // Later questions are not answered, so that nothing else happens at that moment.
  bool alone = false;
};

// Thread-safe. Choose and Watch are the cluster's `choose_fault` and `watcher`.
class Moment {
 public:
  void Arm(Ambush ambush);
  void Disarm();

  std::optional<Fault> Choose(const Sighting& request);
  void Watch(Stage stage, const HttpRequest& request);

  // False when the call did not get there in time.
  bool Wait(absl::Duration timeout) const;
  // The Idempotency-Key of the call; empty while it was not asked.
  std::string key() const;

 private:
  mutable absl::Mutex mu_;
  std::optional<Ambush> ambush_ ABSL_GUARDED_BY(mu_);
  uint64_t questions_ ABSL_GUARDED_BY(mu_) = 0;
  std::string key_ ABSL_GUARDED_BY(mu_);
  bool reached_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace limbeck::testing
