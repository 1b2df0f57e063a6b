// Reading JSON of uncertain shape with simdjson: a field of another type than expected is skipped,
// text that is no JSON is an error.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace limbeck::gateway {

// A field's name. It lies in the document where it has no escape, which saves a copy. Before the
// field's value is read.
inline simdjson::error_code ReadKey(simdjson::ondemand::field& field, std::string_view* key) {
  const char* const start = field.key().raw();
  const char* end = start;
  while (*end != '"' && *end != '\\') ++end;
  if (*end == '\\') return field.unescaped_key().get(*key);
  *key = std::string_view(start, static_cast<size_t>(end - start));
  return simdjson::SUCCESS;
}

// Whether `value` has the type; an error is none.
inline bool HasType(simdjson::ondemand::value& value, simdjson::ondemand::json_type wanted) {
  simdjson::ondemand::json_type type;
  return value.type().get(type) == simdjson::SUCCESS && type == wanted;
}

// Appends a string; null and other types add nothing.
simdjson::error_code AppendText(simdjson::ondemand::value value, std::string* out);

// Replaces `out` by a number; null and other types leave it.
simdjson::error_code ReadNumber(simdjson::ondemand::value value, std::optional<double>* out);

// A count from 0 to 1e15; anything else leaves `out`.
simdjson::error_code ReadCount(simdjson::ondemand::value value, uint64_t* out);

// A token id; anything that is no unsigned 32-bit number leaves `out`.
simdjson::error_code ReadTokenId(simdjson::ondemand::value value, std::optional<uint32_t>* out);

// Calls `on_field(key, value)` for every member of an object, in order.
template <typename OnField>
simdjson::error_code ForEachField(simdjson::ondemand::value value, OnField on_field) {
  using simdjson::error_code;
  namespace ondemand = simdjson::ondemand;
  ondemand::json_type type;
  if (error_code error = value.type().get(type)) return error;
  if (type != ondemand::json_type::object) return simdjson::SUCCESS;
  for (auto field : value.get_object()) {
    ondemand::field member;
    if (error_code error = std::move(field).get(member)) return error;
    std::string_view key;
    if (error_code error = ReadKey(member, &key)) return error;
    if (error_code error = on_field(key, member.value())) return error;
  }
  return simdjson::SUCCESS;
}

// Calls `on_element(index, value)` for every element of an array, in order.
template <typename OnElement>
simdjson::error_code ForEachElement(simdjson::ondemand::value value, OnElement on_element) {
  using simdjson::error_code;
  namespace ondemand = simdjson::ondemand;
  ondemand::json_type type;
  if (error_code error = value.type().get(type)) return error;
  if (type != ondemand::json_type::array) return simdjson::SUCCESS;
  size_t index = 0;
  for (auto element : value.get_array()) {
    ondemand::value member;
    if (error_code error = element.get(member)) return error;
    if (error_code error = on_element(index++, member)) return error;
  }
  return simdjson::SUCCESS;
}

}  // namespace limbeck::gateway
