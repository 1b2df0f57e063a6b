// JSON between us and a provider. Fields of an answer, whose writer is not trusted: absent, null
// and of another type are one.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace limbeck::gateway {

// Deepest nesting of an answer that is read; no provider comes near it.
inline constexpr int kMaxAnswerDepth = 64;

// A discarded value where `text` is no JSON, or nests deeper than kMaxAnswerDepth: what copies or
// writes JSON recurses, and the depth is the provider's to choose.
nlohmann::json ParseAnswerJson(std::string_view text);

// The member, or a null value that lives forever; null too where `object` is no object.
const nlohmann::json& Child(const nlohmann::json& object, const char* key);

// Empty where there is no string.
std::string TextField(const nlohmann::json& object, const char* key);

// 0 where there is no number from 0 to 10^15.
uint64_t CountField(const nlohmann::json& object, const char* key);

std::optional<double> NumberField(const nlohmann::json& object, const char* key);

// False where there is no boolean.
bool FlagField(const nlohmann::json& object, const char* key);

// A request's body as text. INVALID_ARGUMENT where a string in it is not UTF-8.
absl::StatusOr<std::string> DumpBody(const nlohmann::json& body);

}  // namespace limbeck::gateway
