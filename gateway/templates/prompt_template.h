// A job's prompt: Jinja parts compiled once and rendered for each row into the messages that a
// teacher receives.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/ffi/jinja.h"
#include "gateway/templates/chat_turn.h"

namespace limbeck::gateway {

struct WorkedExampleSource {
  std::string user;       // Jinja; may use columns.
  std::string assistant;  // Sent as it stands.
};

struct PromptTemplateSource {
  std::string system;  // Jinja; empty for none.
  std::vector<WorkedExampleSource> examples;
  std::string user;             // Jinja; may be empty when the last turn is one of the user.
  std::vector<ChatTurn> turns;  // Between examples and user part; their contents are Jinja.
};

struct PromptTemplateLimits {
  size_t max_examples = 64;
  size_t max_turns = 64;
  // Of each part.
  JinjaLimits jinja;
};

// Immutable and movable; Render may be called from many threads at once.
class PromptTemplate {
 public:
  // Reports every bad part at once, each by name ("user", "system",
  // "example 2 user", "turn 1") and line.
  static absl::StatusOr<PromptTemplate> Compile(const PromptTemplateSource& source,
                                                const PromptTemplateLimits& limits = {});

  // Messages in order: system (when there is one), worked examples, leading system turns, `drawn`
  // examples, other turns, user. `columns` is the row as a JSON object of strings, numbers and
  // booleans; `row_number` counts from 1 and only serves messages. INVALID_ARGUMENT names row, part
  // and column: "row 5 has no column 'text' used by template part user". RESOURCE_EXHAUSTED when a
  // part passes a limit.
  absl::StatusOr<std::vector<ChatTurn>> Render(std::string_view columns, uint64_t row_number,
                                               const std::vector<ChatTurn>& drawn = {}) const;

  // Columns that some part reads, sorted.
  const std::vector<std::string>& variables() const { return variables_; }

 private:
  struct Part {
    std::string name;
    std::string role;
    // Parts that read no column are rendered once, when compiled.
    std::string fixed;
    std::optional<JinjaTemplate> jinja;
  };
  PromptTemplate() = default;
  static absl::StatusOr<Part> CompilePart(std::string name, std::string role,
                                          const std::string& source, const JinjaLimits& limits);

  std::vector<Part> parts_;
  size_t drawn_at_ = 0;  // The part before which drawn examples stand.
  std::vector<std::string> variables_;
};

}  // namespace limbeck::gateway
