#include "gateway/templates/prompt_template.h"

#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status.h"
#include "base/string_view.h"

namespace limbeck::gateway {
namespace {

// Names in `wanted` that the object lacks; none when `columns` is no object, which the template
// engine has said already.
std::vector<std::string> MissingColumns(std::string_view columns,
                                        const std::vector<std::string>& wanted) {
  std::vector<std::string> missing;
  const auto row = nlohmann::json::parse(columns.begin(), columns.end(), nullptr, false);
  if (!row.is_object()) return missing;
  for (const std::string& name : wanted) {
    if (!row.contains(name)) missing.push_back(absl::StrCat("'", name, "'"));
  }
  return missing;
}

absl::Status CheckShape(const PromptTemplateSource& source, const PromptTemplateLimits& limits) {
  const bool asks = !source.turns.empty() && source.turns.back().role == "user";
  if (source.user.empty() && !asks) {
    return absl::InvalidArgumentError("template part user is empty; it asks the question");
  }
  if (source.examples.size() > limits.max_examples) {
    return absl::InvalidArgumentError(absl::StrCat("the template has ", source.examples.size(),
                                                   " worked examples; the limit is ",
                                                   limits.max_examples));
  }
  if (source.turns.size() > limits.max_turns) {
    return absl::InvalidArgumentError(absl::StrCat("the template has ", source.turns.size(),
                                                   " turns; the limit is ", limits.max_turns));
  }
  return absl::OkStatus();
}

absl::Status RenderError(const absl::Status& status, std::string_view columns,
                         const JinjaTemplate& jinja, const std::string& part, uint64_t row_number) {
  const auto missing = MissingColumns(columns, jinja.variables());
  if (status.code() == absl::StatusCode::kInvalidArgument && !missing.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("row ", row_number, " has no column ",
                                                   absl::StrJoin(missing, ", "),
                                                   " used by template part ", part));
  }
  return absl::Status(status.code(), absl::StrCat("row ", row_number, ", template part ", part,
                                                  ": ", status.message()));
}

}  // namespace

absl::StatusOr<PromptTemplate::Part> PromptTemplate::CompilePart(std::string name, std::string role,
                                                                 const std::string& source,
                                                                 const JinjaLimits& limits) {
  const std::string context = absl::StrCat("template part ", name);
  auto jinja = JinjaTemplate::Compile(source, limits);
  if (!jinja.ok()) return Annotate(jinja.status(), context);
  Part part{std::move(name), std::move(role), "", std::nullopt};
  if (!jinja->variables().empty()) {
    part.jinja = *std::move(jinja);
    return part;
  }
  auto fixed = jinja->Render("{}");
  if (!fixed.ok()) return Annotate(fixed.status(), context);
  part.fixed = *std::move(fixed);
  return part;
}

absl::StatusOr<PromptTemplate> PromptTemplate::Compile(const PromptTemplateSource& source,
                                                       const PromptTemplateLimits& limits) {
  LIMBECK_RETURN_IF_ERROR(CheckShape(source, limits));
  PromptTemplate result;
  std::set<std::string> variables;
  std::vector<std::string> faults;
  const auto add = [&](std::string name, std::string role, const std::string& text) {
    auto part = CompilePart(std::move(name), std::move(role), text, limits.jinja);
    if (!part.ok()) {
      faults.emplace_back(part.status().message());
      return;
    }
    if (part->jinja)
      variables.insert(part->jinja->variables().begin(), part->jinja->variables().end());
    result.parts_.push_back(*std::move(part));
  };
  if (!source.system.empty()) add("system", "system", source.system);
  for (size_t i = 0; i < source.examples.size(); ++i) {
    const std::string name = absl::StrCat("example ", i + 1);
    add(name + " user", "user", source.examples[i].user);
    result.parts_.push_back(
        {name + " assistant", "assistant", source.examples[i].assistant, std::nullopt});
  }
  result.drawn_at_ = result.parts_.size();
  bool leading = true;
  for (size_t i = 0; i < source.turns.size(); ++i) {
    const ChatTurn& turn = source.turns[i];
    const std::string name = absl::StrCat("turn ", i + 1);
    if (turn.role != "system" && turn.role != "user" && turn.role != "assistant") {
      faults.push_back(absl::StrCat("template part ", name, " has the role '", turn.role,
                                    "'; expected system, user or assistant"));
      continue;
    }
    add(name, turn.role, turn.content);
    // A conversation begins with its system turns; drawn examples come behind those.
    leading = leading && turn.role == "system";
    if (leading) result.drawn_at_ = result.parts_.size();
  }
  if (!source.user.empty()) add("user", "user", source.user);
  if (!faults.empty()) return absl::InvalidArgumentError(absl::StrJoin(faults, "; "));
  result.variables_.assign(variables.begin(), variables.end());
  return result;
}

absl::StatusOr<std::vector<ChatTurn>> PromptTemplate::Render(
    std::string_view columns, uint64_t row_number, const std::vector<ChatTurn>& drawn) const {
  std::vector<ChatTurn> turns;
  turns.reserve(parts_.size() + drawn.size());
  for (size_t i = 0; i < parts_.size(); ++i) {
    const Part& part = parts_[i];
    if (i == drawn_at_) turns.insert(turns.end(), drawn.begin(), drawn.end());
    if (!part.jinja) {
      turns.push_back({part.role, part.fixed});
      continue;
    }
    auto text = part.jinja->Render(columns);
    if (!text.ok()) return RenderError(text.status(), columns, *part.jinja, part.name, row_number);
    turns.push_back({part.role, *std::move(text)});
  }
  return turns;
}

}  // namespace limbeck::gateway
