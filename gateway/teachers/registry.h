// The one list of provider kinds.
#pragma once

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "gateway/teachers/teacher.h"

namespace limbeck::gateway {

// In alphabetical order.
std::vector<std::string_view> ProviderKinds();

// Never destroyed. INVALID_ARGUMENT lists the kinds that exist.
absl::StatusOr<const Provider*> FindProvider(std::string_view kind);

}  // namespace limbeck::gateway
