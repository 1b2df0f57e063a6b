#include "gateway/teachers/model_listing.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "gateway/teachers/json_fields.h"

namespace limbeck::gateway {
namespace {

using nlohmann::json;

constexpr size_t kDayBytes = 10;  // "2027-03-31"

// The day of an ISO 8601 date or time; empty for anything else.
std::string DayOf(const std::string& text) {
  if (text.size() < kDayBytes) return "";
  for (size_t i = 0; i < kDayBytes; ++i) {
    const bool dash = i == 4 || i == 7;
    if (dash ? text[i] != '-' : !absl::ascii_isdigit(static_cast<unsigned char>(text[i]))) {
      return "";
    }
  }
  return text.substr(0, kDayBytes);
}

bool IsNamed(const json& entry, std::string_view model) {
  if (TextField(entry, "id") == model) return true;
  const json& aliases = Child(entry, "aliases");
  return aliases.is_array() && std::any_of(aliases.begin(), aliases.end(), [&](const json& alias) {
           return alias.is_string() && alias.get_ref<const std::string&>() == model;
         });
}

}  // namespace

absl::StatusOr<std::optional<ListedModel>> ReadModelListing(std::string_view body,
                                                            std::string_view model) {
  const json parsed = ParseAnswerJson(body);
  const json& list = Child(parsed, "data");
  if (!list.is_array()) return absl::InvalidArgumentError("the answer is no list of models");
  for (const json& entry : list) {
    if (!IsNamed(entry, model)) continue;
    ListedModel listed;
    for (const char* field : {"shutdown_date", "deprecation"}) {
      if (listed.retires_on.empty()) listed.retires_on = DayOf(TextField(entry, field));
    }
    return listed;
  }
  return std::nullopt;
}

}  // namespace limbeck::gateway
