// A compiled Jinja template: the C++ owner of the engine behind limbeck_ffi.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

struct limbeck_template;

namespace limbeck {

// What one rendering may use. Templates are written by users: none of these may be unlimited.
struct JinjaLimits {
  uint64_t max_source_bytes = 256 << 10;
  uint64_t max_output_bytes = 4 << 20;
  // Instructions of the template engine.
  uint64_t fuel = 1'000'000;
  // Text and lists that are made on the way, all together and the output included; a single one
  // may have a quarter of it. What templates do with them takes a small multiple of memory.
  uint64_t max_memory_bytes = 16 << 20;
  uint32_t max_recursion = 100;
};

// Undefined variables are errors, output is not escaped, files and other templates are out of
// reach. Movable; const methods may be called from many threads at once.
class JinjaTemplate {
 public:
  // INVALID_ARGUMENT names the line of a syntax error; RESOURCE_EXHAUSTED for a source too long.
  static absl::StatusOr<JinjaTemplate> Compile(std::string_view source,
                                               const JinjaLimits& limits = {});

  // `context_json` is a JSON object. INVALID_ARGUMENT for an undefined variable, bad UTF-8 or bad
  // JSON; RESOURCE_EXHAUSTED when a limit is reached.
  absl::StatusOr<std::string> Render(std::string_view context_json) const;

  // Names the source reads without defining them, sorted.
  const std::vector<std::string>& variables() const { return variables_; }

 private:
  struct Free {
    void operator()(limbeck_template* handle) const;
  };
  JinjaTemplate() = default;

  std::unique_ptr<limbeck_template, Free> handle_;
  std::vector<std::string> variables_;
};

}  // namespace limbeck
