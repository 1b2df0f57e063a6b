#include "gateway/service/teacher_capability.h"

#include <algorithm>
#include <string>

#include "absl/time/time.h"
#include "base/utf8.h"

namespace limbeck::gateway {
namespace {

v1::Support SupportProto(cache::Support support) {
  switch (support) {
    case cache::Support::kTopK:
      return v1::SUPPORT_TOP_K;
    case cache::Support::kChosenOnly:
      return v1::SUPPORT_CHOSEN_ONLY;
    case cache::Support::kTextOnly:
      break;
  }
  return v1::SUPPORT_TEXT_ONLY;
}

v1::LogprobStage StageProto(LogprobStage stage) {
  switch (stage) {
    case LogprobStage::kBeforeTemperature:
      return v1::LOGPROB_STAGE_BEFORE_TEMPERATURE;
    case LogprobStage::kAfterTemperature:
      return v1::LOGPROB_STAGE_AFTER_TEMPERATURE;
    case LogprobStage::kUnknown:
      break;
  }
  return v1::LOGPROB_STAGE_UNSPECIFIED;
}

void DescribeLimits(const ProbeFindings& findings, v1::TeacherCapability* seen) {
  for (const RateHeader& header : findings.headers) {
    v1::RateHeader* shown = seen->add_rate_headers();
    shown->set_name(header.name);
    shown->set_value(header.value);
    if (header.limit.has_value()) shown->set_limit(*header.limit);
  }
  if (findings.retires_on.has_value()) seen->set_retires_on(*findings.retires_on);
}

}  // namespace

v1::TeacherCapability DescribeFindings(const ProbeFindings& findings) {
  v1::TeacherCapability seen;
  seen.set_support(SupportProto(findings.support));
  seen.set_max_top_logprobs(findings.max_top_logprobs);
  seen.set_model(ReplaceInvalidUtf8(findings.model));
  seen.set_fingerprint(ReplaceInvalidUtf8(findings.fingerprint));
  const auto set = [&seen](Finding finding, void (v1::TeacherCapability::*setter)(bool)) {
    if (finding != Finding::kUnknown) (seen.*setter)(finding == Finding::kYes);
  };
  set(findings.bytes, &v1::TeacherCapability::set_gives_bytes);
  set(findings.token_ids, &v1::TeacherCapability::set_gives_token_ids);
  set(findings.chosen_listed, &v1::TeacherCapability::set_lists_chosen_token);
  set(findings.repeatable, &v1::TeacherCapability::set_repeats_at_zero);
  set(findings.seed, &v1::TeacherCapability::set_honours_seed);
  set(findings.continuation, &v1::TeacherCapability::set_scores_continuation);
  set(findings.schema, &v1::TeacherCapability::set_follows_schema);
  set(findings.choices, &v1::TeacherCapability::set_holds_to_choices);
  set(findings.samples, &v1::TeacherCapability::set_gives_several_answers);
  set(findings.rate_headers, &v1::TeacherCapability::set_gives_rate_headers);
  seen.set_logprob_stage(StageProto(findings.stage));
  DescribeLimits(findings, &seen);
  for (const std::string& note : findings.notes) seen.add_notes(ReplaceInvalidUtf8(note));
  return seen;
}

void ApplyCapability(const v1::TeacherCapability& seen, absl::Time now, TeacherFacts* facts) {
  const auto day = [](absl::Time time) {
    return absl::FormatTime("%Y-%m-%d", time, absl::UTCTimeZone());
  };
  facts->probed_on = day(absl::FromUnixSeconds(seen.probe_time().seconds()));
  if (seen.support() != v1::SUPPORT_TOP_K) facts->gives_top_logprobs = false;
  if (seen.max_top_logprobs() > 0) {
    facts->max_top_logprobs = facts->max_top_logprobs == 0
                                  ? seen.max_top_logprobs()
                                  : std::min(facts->max_top_logprobs, seen.max_top_logprobs());
  }
  if (seen.has_scores_continuation() && !seen.scores_continuation()) {
    facts->scores_continuations = false;
  }
  if (seen.has_follows_schema() && !seen.follows_schema()) facts->follows_schema = false;
  if (seen.has_holds_to_choices() && !seen.holds_to_choices()) facts->holds_to_choices = false;
  if (seen.has_honours_seed() && !seen.honours_seed()) facts->honours_seed = false;
  facts->logprobs_after_temperature = seen.logprob_stage() == v1::LOGPROB_STAGE_AFTER_TEMPERATURE;
  if (seen.has_gives_several_answers()) {
    facts->answers_per_call = seen.gives_several_answers() ? facts->max_answers_per_call : 1;
  }
  // ISO dates are ordered as text.
  if (!seen.retires_on().empty() && seen.retires_on() <= day(now)) {
    facts->retired_on = seen.retires_on();
  }
}

}  // namespace limbeck::gateway
