// What batches need around them, for tests: a teacher's configuration, a scripted transport, a
// store.
#pragma once

#include <memory>
#include <utility>

#include "base/clock.h"
#include "base/file.h"
#include "base/http/fake_transport.h"
#include "base/kv/open.h"
#include "gateway/batches/batch_store.h"
#include "gateway/batches/batch_tools.h"
#include "gateway/teachers/registry.h"

namespace limbeck::gateway {

// Members stay where they are: tools_ points to them.
struct BatchTestWorld {
  // Requests without a reply of their own go to `handler`.
  explicit BatchTestWorld(http::FakeTransport::Handler handler = nullptr)
      : transport_(std::move(handler)) {
    config_.name = "t";
    config_.kind = "openai";
    config_.base_url = "http://teacher/v1";
    config_.model = "m";
    config_.batch.emplace();
    tools_ = {&config_, *FindProvider("openai"),    &transport_, &store_, &clock_,
              nullptr,  directory_.path() / "spool"};
  }
  BatchTestWorld(const BatchTestWorld&) = delete;
  BatchTestWorld& operator=(const BatchTestWorld&) = delete;

  FakeClock clock_;
  TeacherConfig config_;
  http::FakeTransport transport_;
  std::unique_ptr<kv::Engine> engine_ =
      kv::Open({.driver = "memory", .path = "", .tables = BatchStore::Tables()}).value();
  BatchStore store_{engine_.get()};
  ScopedTempDirectory directory_;
  BatchTools tools_;
};

}  // namespace limbeck::gateway
