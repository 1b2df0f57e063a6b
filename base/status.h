// Status helpers shared by every module: propagation macros and one way to add context.
//
// Modules return absl::Status or absl::StatusOr<T>. Context ("commit record k7f3… for job j1") is
// added once, where the action is known, with Annotate.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace limbeck {

// Returns `status` with "`context`: " before its message; code and payloads are kept. OK is
// returned unchanged.
absl::Status Annotate(const absl::Status& status, std::string_view context);

}  // namespace limbeck

#define LIMBECK_STATUS_CONCAT_INNER(a, b) a##b
#define LIMBECK_STATUS_CONCAT(a, b) LIMBECK_STATUS_CONCAT_INNER(a, b)

// Returns from the enclosing function when `expr` is not OK.
#define LIMBECK_RETURN_IF_ERROR(expr)                                                      \
  do {                                                                                     \
    if (absl::Status limbeck_status = (expr); !limbeck_status.ok()) return limbeck_status; \
  } while (false)

// Evaluates a StatusOr expression; assigns its value to `lhs` or returns its status.
#define LIMBECK_ASSIGN_OR_RETURN(lhs, expr) \
  LIMBECK_ASSIGN_OR_RETURN_INNER(LIMBECK_STATUS_CONCAT(limbeck_result_, __LINE__), lhs, expr)
#define LIMBECK_ASSIGN_OR_RETURN_INNER(result, lhs, expr) \
  auto result = (expr);                                   \
  if (!result.ok()) return result.status();               \
  lhs = std::move(result).value()
