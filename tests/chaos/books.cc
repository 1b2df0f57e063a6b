#include "tests/chaos/books.h"

#include <gtest/gtest.h>

#include <iostream>

namespace limbeck::testing {

void ExpectBooksToBalance(HarvestWorld& world, const nlohmann::json& job, size_t distinct,
                          Books* total) {
  const auto invoice = world.cluster().Invoice();
  ASSERT_TRUE(invoice.ok()) << invoice.status();
  const size_t excess = Excess(*invoice);
  const int64_t ambiguous = Count(job["progress"], "calls_ambiguous");
  std::cout << "served " << invoice->size() << ", excess " << excess << ", ambiguous " << ambiguous
            << std::endl;
  if (total != nullptr) {
    total->served += invoice->size();
    total->excess += excess;
    total->ambiguous += ambiguous;
  }
  EXPECT_EQ(invoice->size() - excess, distinct) << "distinct keys" << world.cluster().Logs();
  EXPECT_LE(static_cast<int64_t>(excess), ambiguous) << world.cluster().Logs();
  EXPECT_EQ(Count(job["progress"], "reserved_micro_usd"), 0);
  const auto verified = world.cluster().Limbeck({"cache", "verify"});
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_EQ(verified->exit_code, 0) << verified->out << verified->err;
}

}  // namespace limbeck::testing
