#include "gateway/teachers/json_fields.h"

#include "absl/strings/str_cat.h"

namespace limbeck::gateway {
namespace {

using nlohmann::json;

constexpr double kMaxCount = 1e15;

}  // namespace

json ParseAnswerJson(std::string_view text) {
  bool too_deep = false;
  const auto watch = [&too_deep](int depth, json::parse_event_t, const json&) {
    too_deep = too_deep || depth > kMaxAnswerDepth;
    return !too_deep;
  };
  json parsed = json::parse(text, watch, false);
  if (too_deep) return json(json::value_t::discarded);
  return parsed;
}

const json& Child(const json& object, const char* key) {
  static const json* const kNull = new json();
  if (!object.is_object()) return *kNull;
  const auto found = object.find(key);
  return found == object.end() ? *kNull : *found;
}

std::string TextField(const json& object, const char* key) {
  const json& value = Child(object, key);
  return value.is_string() ? value.get<std::string>() : "";
}

uint64_t CountField(const json& object, const char* key) {
  const std::optional<double> number = NumberField(object, key);
  return number.has_value() && *number >= 0 && *number <= kMaxCount ? static_cast<uint64_t>(*number)
                                                                    : 0;
}

std::optional<double> NumberField(const json& object, const char* key) {
  const json& value = Child(object, key);
  if (!value.is_number()) return std::nullopt;
  return value.get<double>();
}

bool FlagField(const json& object, const char* key) {
  const json& value = Child(object, key);
  return value.is_boolean() && value.get<bool>();
}

absl::StatusOr<std::string> DumpBody(const json& body) {
  try {
    return body.dump();
  } catch (const json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("messages must be UTF-8: ", error.what()));
  }
}

}  // namespace limbeck::gateway
