// What a provider's list of models says about one of them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace limbeck::gateway {

struct ListedModel {
  // Day from which the provider no longer serves it, "2027-03-31"; empty where none is announced.
  std::string retires_on;
};

// Reads the answer to GET /models in OpenAI's shape (`data[]`), where `shutdown_date` (OpenAI) and
// `deprecation` (Mistral) hold dates; a model is known by its id or one of its `aliases`. Nullopt
// where `model` is not listed. INVALID_ARGUMENT when `body` is no such list.
absl::StatusOr<std::optional<ListedModel>> ReadModelListing(std::string_view body,
                                                            std::string_view model);

}  // namespace limbeck::gateway
