#include "base/kv/memory/memory_engine.h"

#include "base/kv/engine_conformance.h"

namespace limbeck::kv {
namespace {

INSTANTIATE_TEST_SUITE_P(Drivers, EngineConformanceTest,
                         testing::Values(EngineFactory{"memory", OpenMemoryEngine, false}),
                         EngineFactoryName);

}  // namespace
}  // namespace limbeck::kv
