#include "gateway/jobs/label_checks.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "gateway/jobs/spec_defaults.h"

namespace limbeck::gateway {
namespace {

constexpr uint32_t kMaxVotes = 64;

// "teacher "t"", or what is known of it since when.
std::string Named(const TeacherFacts& teacher) {
  const std::string probed =
      teacher.probed_on.empty() ? "" : absl::StrCat(" (as probed on ", teacher.probed_on, ")");
  return absl::StrCat("teacher \"", teacher.name, "\"", probed);
}

void CheckAbility(v1::ClassifyTask::LabelMethod method, const TeacherFacts& teacher,
                  FaultList* faults) {
  const auto refuse = [&](std::string_view cannot, std::string_view instead) {
    faults->Add("task.classify.label_method",
                absl::StrCat("is ", v1::ClassifyTask::LabelMethod_Name(method), ", but ",
                             Named(teacher), " ", ToAbsl(cannot), "; ", ToAbsl(instead)));
  };
  const bool json = method == v1::ClassifyTask::LABEL_METHOD_VERBALISED ||
                    method == v1::ClassifyTask::LABEL_METHOD_SCHEMA;
  if (method == v1::ClassifyTask::LABEL_METHOD_FIRST_TOKEN && !teacher.gives_top_logprobs) {
    refuse("gives no candidates per token", "use LABEL_METHOD_VOTES, or a teacher with logprobs");
  } else if (method == v1::ClassifyTask::LABEL_METHOD_SCORED && !teacher.scores_continuations) {
    refuse("scores no text that it is handed",
           teacher.gives_top_logprobs
               ? "use LABEL_METHOD_FIRST_TOKEN with labels of different first tokens, or a teacher "
                 "with prompt logprobs"
               : "use LABEL_METHOD_VOTES, or a teacher with prompt logprobs");
  } else if (json && !teacher.follows_schema) {
    refuse("follows no JSON schema", "use LABEL_METHOD_VOTES, or a teacher that does");
  }
}

void CheckVotesHeld(const v1::ClassifyTask& task, const TeacherFacts& teacher, FaultList* faults) {
  if (!task.hold_votes_to_labels()) return;
  const std::string field = "task.classify.hold_votes_to_labels";
  if (task.label_method() != v1::ClassifyTask::LABEL_METHOD_VOTES) {
    faults->Add(field, absl::StrCat("is true, but labels come from ",
                                    v1::ClassifyTask::LabelMethod_Name(task.label_method()),
                                    "; remove it, or use LABEL_METHOD_VOTES"));
  } else if (!teacher.holds_to_choices) {
    faults->Add(field, absl::StrCat("is true, but ", Named(teacher),
                                    " cannot be held to a list of answers; remove it",
                                    teacher.follows_schema ? ", or use LABEL_METHOD_SCHEMA" : ""));
  }
}

void CheckCandidates(const v1::TeacherUse& use, const std::string& at, const TeacherFacts& teacher,
                     FaultList* faults) {
  if (teacher.max_top_logprobs == 0 || use.top_logprobs() <= teacher.max_top_logprobs) return;
  faults->Add(at, absl::StrCat("is ", use.top_logprobs(), ", but ", Named(teacher),
                               " gives at most ", teacher.max_top_logprobs,
                               " candidates per token; ask for fewer, or probe it again"));
}

// Where a teacher's logprobs hang on the temperature, only those at 1 are the model's.
void CheckTemperature(v1::ClassifyTask::LabelMethod method, const v1::TeacherUse& use,
                      const std::string& at, const TeacherFacts& teacher, FaultList* faults) {
  if (method != v1::ClassifyTask::LABEL_METHOD_FIRST_TOKEN || !teacher.logprobs_after_temperature) {
    return;
  }
  const bool varied = !use.temperatures().empty();
  const bool all_one = varied ? std::all_of(use.temperatures().begin(), use.temperatures().end(),
                                            [](double each) { return each == 1.0; })
                              : use.sampling().temperature() == 1.0;
  if (all_one) return;
  faults->Add(at + (varied ? ".temperatures" : ".sampling.temperature"),
              absl::StrCat(varied ? "has" : "is", " not 1, but ", Named(teacher),
                           " gives the logprobs of what it samples from, which are the model's own "
                           "at temperature 1 only; expected 1"));
}

void CheckService(const v1::TeacherUse& use, const std::string& at, const TeacherFacts& teacher,
                  FaultList* faults) {
  if (!teacher.retired_on.empty()) {
    faults->Add(
        at + ".teacher",
        absl::StrCat("is ", Named(teacher), ", whose model its provider no longer serves since ",
                     teacher.retired_on,
                     "; have the operator configure its successor, or probe it again"));
  }
  if (use.sampling().has_seed() && !teacher.honours_seed) {
    faults->Add(at + ".sampling.seed",
                absl::StrCat("is set, but ", Named(teacher), " does not honour seeds; remove it"));
  }
}

void CheckVoting(const v1::Voting& voting, const std::string& at, bool votes, FaultList* faults) {
  if (!votes) {
    faults->Add(at,
                "is set, but labels do not come from votes; remove it, or set "
                "task.classify.label_method to LABEL_METHOD_VOTES or LABEL_METHOD_SCHEMA");
    return;
  }
  faults->Range(at + ".min_votes", voting.min_votes(), 1U, kMaxVotes);
  faults->Range(at + ".max_votes", voting.max_votes(),
                std::min(std::max(1U, voting.min_votes()), kMaxVotes), kMaxVotes);
  faults->Range(at + ".half_width", voting.half_width(), 1e-3, 0.5);
  faults->Range(at + ".confidence", voting.confidence(), 0.5, 0.999);
}

}  // namespace

void CheckLabelMethod(const v1::JobSpec& spec, const TeacherCatalog& teachers, FaultList* faults) {
  const v1::ClassifyTask::LabelMethod method = spec.task().classify().label_method();
  if (!v1::ClassifyTask::LabelMethod_IsValid(method)) {
    faults->Add("task.classify.label_method",
                absl::StrCat("is ", static_cast<int>(method), ", which is no method"));
  }
  const bool votes = CountsVotes(spec);
  for (int i = 0; i < spec.teachers_size(); ++i) {
    const v1::TeacherUse& use = spec.teachers(i);
    const std::string at = absl::StrCat("teachers[", i, "]");
    const auto it = teachers.find(use.teacher());
    if (it != teachers.end()) {
      CheckAbility(method, it->second, faults);
      CheckVotesHeld(spec.task().classify(), it->second, faults);
      CheckCandidates(use, at + ".top_logprobs", it->second, faults);
      CheckTemperature(method, use, at, it->second, faults);
      CheckService(use, at, it->second, faults);
    }
    if (use.has_voting()) CheckVoting(use.voting(), at + ".voting", votes, faults);
    if (votes && SamplesPerItem(spec) > 1 && use.temperatures().empty() &&
        use.sampling().temperature() == 0) {
      faults->Add(at + ".sampling.temperature",
                  "is 0, at which every vote is the same; expected above 0 where labels come from "
                  "votes, or votes: 1");
    }
  }
}

}  // namespace limbeck::gateway
