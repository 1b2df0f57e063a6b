#include "tests/chaos/chaos.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "absl/time/clock.h"

namespace limbeck::testing {

bool IsLongRun() { return std::getenv("LIMBECK_CHAOS_MINUTES") != nullptr; }

// The short form is ended by ctest after five minutes, without the logs.
absl::Duration HangGuard() { return absl::Minutes(IsLongRun() ? 20 : 4); }

void RunRounds(const std::function<void(StableRandom&)>& round) {
  const char* given_seed = std::getenv("LIMBECK_CHAOS_SEED");
  const uint64_t seed = given_seed != nullptr
                            ? std::strtoull(given_seed, nullptr, 10)
                            : static_cast<uint64_t>(absl::ToUnixMicros(absl::Now()));
  const char* minutes = std::getenv("LIMBECK_CHAOS_MINUTES");
  const absl::Time end =
      absl::Now() + absl::Minutes(minutes != nullptr ? std::strtod(minutes, nullptr) : 0.0);
  std::cout << "LIMBECK_CHAOS_SEED=" << seed << std::endl;
  uint64_t rounds = 0;
  do {
    StableRandom random(seed, rounds);
    ++rounds;
    ASSERT_NO_FATAL_FAILURE(round(random)) << "in round " << rounds;
  } while (absl::Now() < end && !::testing::Test::HasFailure());
  std::cout << rounds << " rounds" << std::endl;
}

}  // namespace limbeck::testing
