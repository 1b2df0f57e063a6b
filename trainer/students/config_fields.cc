#include "trainer/students/config_fields.h"

#include <cmath>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace limbeck::trainer {

absl::StatusOr<ConfigFields> ConfigFields::Parse(std::string_view json) {
  const auto parsed = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object()) {
    return absl::InvalidArgumentError("student configuration: expected a JSON object");
  }
  ConfigFields fields;
  fields.json_ = std::string(json);
  return fields;
}

absl::StatusOr<double> ConfigFields::Number(std::string_view name, double fallback, double low,
                                            double high) const {
  const auto object = nlohmann::json::parse(json_, nullptr, false);
  const auto found = object.find(std::string(name));
  if (found == object.end()) return fallback;
  const double value = found->is_number() ? found->get<double>() : std::nan("");
  if (!(value >= low && value <= high)) {
    return absl::InvalidArgumentError(absl::StrCat("student configuration: ", ToAbsl(name),
                                                   " must be a number from ", low, " to ", high,
                                                   ", not ", found->dump()));
  }
  return value;
}

absl::StatusOr<uint32_t> ConfigFields::Unsigned(std::string_view name, uint32_t fallback,
                                                uint32_t low, uint32_t high) const {
  LIMBECK_ASSIGN_OR_RETURN(const double value, Number(name, fallback, low, high));
  if (value != std::floor(value)) {
    return absl::InvalidArgumentError(
        absl::StrCat("student configuration: ", ToAbsl(name), " must be whole, not ", value));
  }
  return static_cast<uint32_t>(value);
}

std::string ConfigFields::String(std::string_view name) const {
  const auto object = nlohmann::json::parse(json_, nullptr, false);
  const auto found = object.find(std::string(name));
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace limbeck::trainer
