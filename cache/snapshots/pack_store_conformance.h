// What every pack store does. Instantiate with INSTANTIATE_TEST_SUITE_P.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "cache/snapshots/pack_store.h"

namespace limbeck::cache {

// Makes an empty store; called once per test.
using PackStoreFactory = std::function<std::unique_ptr<PackStore>()>;

class PackStoreConformance : public testing::TestWithParam<PackStoreFactory> {
 protected:
  std::unique_ptr<PackStore> store_ = GetParam()();
};

}  // namespace limbeck::cache
