#include "base/ffi/jinja.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/ffi/limbeck_ffi.h"
#include "base/ffi/result.h"
#include "base/status.h"

namespace limbeck {

void JinjaTemplate::Free::operator()(limbeck_template* handle) const {
  limbeck_template_free(handle);
}

absl::StatusOr<JinjaTemplate> JinjaTemplate::Compile(std::string_view source,
                                                     const JinjaLimits& limits) {
  const limbeck_template_limits raw = {limits.max_source_bytes, limits.max_output_bytes,
                                       limits.fuel, limits.max_memory_bytes, limits.max_recursion};
  limbeck_template* handle = nullptr;
  limbeck_string error = {nullptr, 0};
  const int32_t compiled =
      limbeck_template_new(FfiBytes(source.data()), source.size(), &raw, &handle, &error);
  LIMBECK_RETURN_IF_ERROR(TakeFfiStatus(compiled, error));
  JinjaTemplate result;
  result.handle_.reset(handle);

  limbeck_string names = {nullptr, 0};
  const int32_t listed = limbeck_template_variables(handle, &names, &error);
  LIMBECK_RETURN_IF_ERROR(TakeFfiStatus(listed, error));
  // Written by our own crate, so it always parses; a discarded value would list nothing.
  const auto list = nlohmann::json::parse(TakeFfiString(names), nullptr, false);
  for (const auto& name : list) result.variables_.push_back(name.get<std::string>());
  return result;
}

absl::StatusOr<std::string> JinjaTemplate::Render(std::string_view context_json) const {
  limbeck_string text = {nullptr, 0};
  limbeck_string error = {nullptr, 0};
  const int32_t status = limbeck_template_render(handle_.get(), FfiBytes(context_json.data()),
                                                 context_json.size(), &text, &error);
  LIMBECK_RETURN_IF_ERROR(TakeFfiStatus(status, error));
  return TakeFfiString(text);
}

}  // namespace limbeck
