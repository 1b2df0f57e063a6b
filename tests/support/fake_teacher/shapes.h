// The one list of wire shapes that the fake teacher speaks.
#pragma once

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/support/fake_teacher/shape.h"

namespace limbeck::testing {

// In alphabetical order.
std::vector<std::string_view> ShapeKinds();

// Never destroyed. INVALID_ARGUMENT lists the kinds that exist.
absl::StatusOr<const Shape*> FindShape(std::string_view kind);

}  // namespace limbeck::testing
