// What a teacher charges beside its plain input and output prices. Integer micro-USD.
#pragma once

#include <cstdint>
#include <optional>

namespace limbeck::gateway {

// Prices of a whole call whose input is longer than a provider's bound.
struct LongContextPrices {
  int64_t above_input_tokens = 0;
  int64_t input_micro_usd_per_million = 0;
  std::optional<int64_t> cached_input_micro_usd_per_million;  // Absent: the input price.
  int64_t output_micro_usd_per_million = 0;
};

struct PriceTiers {
  // Of input that the provider had cached. Absent: the input price.
  std::optional<int64_t> cached_input_micro_usd_per_million;
  // Of each call, whatever its length.
  int64_t request_micro_usd = 0;
  std::optional<LongContextPrices> long_context;
};

}  // namespace limbeck::gateway
