#include "cache/records/label_json.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace limbeck::cache {
namespace {

using nlohmann::ordered_json;

// Labels are short; longer answers are not read.
constexpr size_t kMaxAnswerBytes = 1u << 20;

// Discarded for what is no object.
ordered_json ParseObject(std::string_view text) {
  if (text.size() > kMaxAnswerBytes) return ordered_json(ordered_json::value_t::discarded);
  return ordered_json::parse(text, /*cb=*/nullptr, /*allow_exceptions=*/false);
}

ordered_json ObjectSchema(ordered_json properties, const std::vector<std::string>& required) {
  return {{"type", "object"},
          {"properties", std::move(properties)},
          {"required", required},
          {"additionalProperties", false}};
}

}  // namespace

std::string ChoiceSchema(const std::vector<std::string>& names) {
  return ObjectSchema({{"label", {{"type", "string"}, {"enum", names}}}}, {"label"}).dump();
}

std::optional<size_t> ParseChoice(std::string_view text, const std::vector<std::string>& names) {
  const ordered_json answer = ParseObject(text);
  if (!answer.is_object() || answer.size() != 1) return std::nullopt;
  const auto label = answer.find("label");
  if (label == answer.end() || !label->is_string()) return std::nullopt;
  const auto found = std::find(names.begin(), names.end(), label->get_ref<const std::string&>());
  if (found == names.end()) return std::nullopt;
  return static_cast<size_t>(found - names.begin());
}

std::string ConfidenceSchema(const std::vector<std::string>& names) {
  ordered_json properties = ordered_json::object();
  for (const std::string& name : names) {
    properties[name] = {{"type", "number"},
                        {"description", "Probability, 0 to 1, that this is the right answer."}};
  }
  return ObjectSchema(std::move(properties), names).dump();
}

std::optional<std::vector<double>> ParseConfidence(std::string_view text,
                                                   const std::vector<std::string>& names) {
  const ordered_json answer = ParseObject(text);
  if (!answer.is_object() || answer.size() != names.size()) return std::nullopt;
  std::vector<double> numbers;
  for (const std::string& name : names) {
    const auto number = answer.find(name);
    if (number == answer.end() || !number->is_number()) return std::nullopt;
    numbers.push_back(number->get<double>());
    if (!(numbers.back() >= 0) || !std::isfinite(numbers.back())) return std::nullopt;
  }
  return numbers;
}

}  // namespace limbeck::cache
