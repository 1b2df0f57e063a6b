#include "gateway/teachers/teacher.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace limbeck::gateway {
namespace {

constexpr size_t kMaxStops = 4;
constexpr uint32_t kMaxOutputTokens = 1'000'000;

}  // namespace

absl::StatusOr<http::Request> Provider::BuildListing(const TeacherConfig& config) const {
  return absl::UnimplementedError(
      absl::StrCat("kind ", config.kind, " has no model listing with retirement dates"));
}

std::vector<FieldViolation> CheckTeacher(const TeacherConfig& config, std::string_view path) {
  std::vector<FieldViolation> violations;
  const auto add = [&](std::string_view field, std::string_view what) {
    violations.push_back({absl::StrCat(ToAbsl(path), ".", ToAbsl(field)), std::string(what)});
  };
  if (config.name.empty()) add("name", "must not be empty");
  if (config.model.empty()) add("model", "must not be empty");
  const std::string_view url = config.base_url;
  if (!url.starts_with("http://") && !url.starts_with("https://")) {
    add("base_url", "must start with http:// or https://");
  } else if (url.find_first_of("@ \t\r\n?#") != url.npos) {
    add("base_url", "must not contain user info, a query, a fragment or white space");
  }
  if (config.input_micro_usd_per_million < 0 || config.output_micro_usd_per_million < 0) {
    add("price", "must not be negative");
  }
  if (config.training_use.has_value() && config.training_use->basis.empty()) {
    add("training_use.basis", "must name the basis, or leave training_use out");
  }
  if (config.timeouts.connect <= absl::ZeroDuration() ||
      config.timeouts.total <= absl::ZeroDuration() ||
      config.timeouts.idle <= absl::ZeroDuration()) {
    add("timeouts", "must be positive");
  }
  if (config.max_response_bytes == 0) add("max_response_bytes", "must be positive");
  return violations;
}

std::vector<FieldViolation> CheckQuery(const TeacherConfig& config, const Capabilities& can,
                                       const TeacherQuery& query) {
  std::vector<FieldViolation> violations;
  const auto add = [&](std::string_view field, const std::string& what) {
    violations.push_back({std::string(field), what});
  };
  if (query.messages.empty()) add("messages", "must not be empty");
  const Sampling& sampling = query.sampling;
  if (!std::isfinite(sampling.temperature) || sampling.temperature < 0 ||
      sampling.temperature > 2) {
    add("sampling.temperature", "must be from 0 to 2");
  }
  if (sampling.top_p.has_value() && !(*sampling.top_p > 0 && *sampling.top_p <= 1)) {
    add("sampling.top_p", "must be above 0 and at most 1");
  }
  if (sampling.max_tokens == 0 || sampling.max_tokens > kMaxOutputTokens) {
    add("sampling.max_tokens", absl::StrCat("must be from 1 to ", kMaxOutputTokens));
  }
  if (sampling.stop.size() > kMaxStops) {
    add("sampling.stop", absl::StrCat("at most ", kMaxStops, " sequences"));
  }
  if (sampling.seed.has_value() && !can.seed) {
    add("sampling.seed", absl::StrCat("teachers of kind ", config.kind, " take no seed"));
  }
  const auto needs = [&](bool asked, bool given, std::string_view field, std::string_view what) {
    if (asked && !given) {
      add(field, absl::StrCat("teachers of kind ", config.kind, " ", ToAbsl(what)));
    }
  };
  needs(!query.response_schema.empty(), can.schema, "response_schema", "follow no JSON schema");
  needs(!query.choices.empty(), can.choices, "choices", "cannot be held to a list of answers");
  needs(!query.continuation.empty(), can.continuation_scoring, "continuation",
        "cannot score a given text");
  if (query.samples == 0 || query.samples > std::max(can.max_samples, 1u)) {
    add("samples", absl::StrCat("teachers of kind ", config.kind, " give from 1 to ",
                                std::max(can.max_samples, 1u), " answers in one call"));
  } else if (query.samples > 1 && !query.continuation.empty()) {
    add("samples", "must be 1 where a given text is scored: it has one score");
  }
  const uint32_t most = std::min(can.max_top_logprobs, config.max_top_logprobs);
  if (query.top_logprobs > most) {
    add("top_logprobs", absl::StrCat("teacher ", config.name, " gives at most ", most));
  }
  return violations;
}

}  // namespace limbeck::gateway
