#include "gateway/teachers/openai/json_fields.h"

namespace limbeck::gateway {

using simdjson::error_code;
namespace ondemand = simdjson::ondemand;

error_code AppendText(ondemand::value value, std::string* out) {
  ondemand::json_type type;
  if (error_code error = value.type().get(type)) return error;
  if (type != ondemand::json_type::string) return simdjson::SUCCESS;
  std::string_view text;
  if (error_code error = value.get_string().get(text)) return error;
  out->append(text);
  return simdjson::SUCCESS;
}

error_code ReadNumber(ondemand::value value, std::optional<double>* out) {
  ondemand::json_type type;
  if (error_code error = value.type().get(type)) return error;
  if (type != ondemand::json_type::number) return simdjson::SUCCESS;
  double number = 0;
  if (error_code error = value.get_double().get(number)) return error;
  *out = number;
  return simdjson::SUCCESS;
}

error_code ReadCount(ondemand::value value, uint64_t* out) {
  std::optional<double> number;
  if (error_code error = ReadNumber(value, &number)) return error;
  if (number.has_value() && *number >= 0 && *number < 1e15) *out = static_cast<uint64_t>(*number);
  return simdjson::SUCCESS;
}

error_code ReadTokenId(ondemand::value value, std::optional<uint32_t>* out) {
  std::optional<double> number;
  if (error_code error = ReadNumber(value, &number)) return error;
  if (number.has_value() && *number >= 0 && *number < 4294967296.0) {
    *out = static_cast<uint32_t>(*number);
  }
  return simdjson::SUCCESS;
}

}  // namespace limbeck::gateway
