// CheckExpansion of prompt_validation.h.
#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "gateway/expansion/expansion.h"
#include "gateway/jobs/prompt_plan.h"
#include "gateway/jobs/prompt_validation.h"
#include "gateway/jobs/spec_defaults.h"

namespace limbeck::gateway {
namespace {

using google::protobuf::ListValue;
using google::protobuf::Value;

constexpr int kMaxTemplates = 64;
constexpr int kMaxTemperatures = 16;
constexpr size_t kMaxVariables = 32;
constexpr int kMaxFragments = 256;
constexpr uint32_t kMaxShots = 32;
constexpr double kMaxWeight = 1e6;

bool IsVariableName(const std::string& name) {
  static const std::set<std::string>* const reserved = new std::set<std::string>{
      "true", "false", "none", "True", "False", "None", "not",  "and",  "or",
      "in",   "is",    "if",   "else", "elif",  "for",  "loop", "self", "caller"};
  if (name.empty() || absl::ascii_isdigit(static_cast<unsigned char>(name[0]))) return false;
  const bool words = std::all_of(
      name.begin(), name.end(), [](unsigned char c) { return absl::ascii_isalnum(c) || c == '_'; });
  return words && !reserved->contains(name);
}

class ExpansionChecker {
 public:
  ExpansionChecker(const v1::JobSpec& spec, const SpecContext& context, FaultList* faults)
      : spec_(spec), expansion_(spec.data().expansion()), context_(context), faults_(*faults) {}

  void Run() {
    CheckTemplates();
    for (const auto& [name, values] : expansion_.grid()) {
      const std::string at = At("grid", name);
      CheckName(at, name);
      CheckGridValues(at, values);
    }
    CheckWeights();
    for (const auto& [name, fragments] : expansion_.paraphrases()) CheckParaphrase(name, fragments);
    const size_t variables = expansion_.grid().size() + expansion_.paraphrases().size();
    faults_.Range("data.expansion.grid", variables, size_t{0}, kMaxVariables);
    CheckTemperatures();
    CheckFewShot();
    if (sound_) CheckSize();
  }

 private:
  static std::string At(const char* map, const std::string& name) {
    return absl::StrCat("data.expansion.", map, "[\"", name, "\"]");
  }

  void Fault(std::string field, std::string description) {
    sound_ = false;
    faults_.Add(std::move(field), std::move(description));
  }

  void CheckTemplates() {
    if (expansion_.templates_size() == 0) return;
    if (spec_.data().has_prompt()) {
      Fault("data.prompt", "is set together with data.expansion.templates; leave one of them out");
    }
    if (expansion_.templates_size() > kMaxTemplates) {
      Fault("data.expansion.templates", absl::StrCat("has ", expansion_.templates_size(),
                                                     " entries; expected at most ", kMaxTemplates));
    }
    for (int i = 0; i < expansion_.templates_size(); ++i) {
      CheckWeight(absl::StrCat("data.expansion.templates[", i, "].weight"),
                  expansion_.templates(i).weight());
    }
  }

  void CheckWeight(std::string field, double weight) {
    // Written so that NaN fails.
    if (weight > 0 && weight <= kMaxWeight) return;
    Fault(std::move(field),
          absl::StrCat("is ", weight, "; expected above 0 and at most ", kMaxWeight));
  }

  // A name must not hide a column, nor another name.
  void CheckName(const std::string& at, const std::string& name) {
    if (!IsVariableName(name)) {
      return Fault(at, absl::StrCat("\"", name,
                                    "\" is no name of a template variable; expected "
                                    "letters, digits and _, not first a digit"));
    }
    const std::pair<const char*, const v1::Dataset*> datasets[] = {
        {"train", context_.train}, {"held-out", context_.held_out}, {"pool", context_.pool}};
    for (const auto& [which, dataset] : datasets) {
      if (dataset == nullptr || !HasColumn(*dataset, name)) continue;
      return Fault(at, absl::StrCat("has the name of a column of the ", which,
                                    " dataset; choose another name"));
    }
    if (!names_.insert(name).second) {
      Fault(at, "is the name of a grid variable too; choose another name");
    }
  }

  void CheckGridValues(const std::string& at, const ListValue& values) {
    if (values.values_size() == 0) Fault(at, "has no values; give some or leave it out");
    std::set<std::string> seen;
    for (int i = 0; i < values.values_size(); ++i) {
      const Value& value = values.values(i);
      const auto kind = value.kind_case();
      const std::string field = absl::StrCat(at, "[", i, "]");
      if (kind != Value::kStringValue && kind != Value::kNumberValue && kind != Value::kBoolValue) {
        Fault(field, "is no text, number or boolean");
      } else if (!seen.insert(value.SerializeAsString()).second) {
        Fault(field, "repeats an earlier value, which would ask the same twice");
      }
    }
  }

  void CheckWeights() {
    for (const auto& [name, weights] : expansion_.weights()) {
      const std::string at = At("weights", name);
      const auto values = expansion_.grid().find(name);
      if (values == expansion_.grid().end()) {
        Fault(at, "is no variable of data.expansion.grid");
        continue;
      }
      if (weights.values_size() != values->second.values_size()) {
        Fault(at, absl::StrCat("has ", weights.values_size(), " weights for ",
                               values->second.values_size(), " values; expected one for each"));
      }
      for (int i = 0; i < weights.values_size(); ++i) {
        CheckWeight(absl::StrCat(at, "[", i, "]"), weights.values(i).number_value());
      }
    }
  }

  void CheckParaphrase(const std::string& name, const ListValue& fragments) {
    const std::string at = At("paraphrases", name);
    CheckName(at, name);
    if (fragments.values_size() == 0 || fragments.values_size() > kMaxFragments) {
      Fault(at, absl::StrCat("has ", fragments.values_size(), " fragments; expected 1 to ",
                             kMaxFragments));
    }
    for (int i = 0; i < fragments.values_size(); ++i) {
      if (fragments.values(i).kind_case() != Value::kStringValue) {
        Fault(absl::StrCat(at, "[", i, "]"), "is no text; put it in quotes");
      }
    }
  }

  void CheckTemperatures() {
    for (int t = 0; t < spec_.teachers_size(); ++t) {
      const auto& list = spec_.teachers(t).temperatures();
      const std::string at = absl::StrCat("teachers[", t, "].temperatures");
      if (list.size() > kMaxTemperatures) {
        Fault(at,
              absl::StrCat("has ", list.size(), " entries; expected at most ", kMaxTemperatures));
      }
      std::set<double> seen;
      for (int i = 0; i < list.size(); ++i) {
        const std::string field = absl::StrCat(at, "[", i, "]");
        // Written so that NaN fails.
        if (!(list[i] >= 0 && list[i] <= 2)) {
          Fault(field, absl::StrCat("is ", list[i], "; expected 0 to 2"));
        } else if (!seen.insert(list[i]).second) {
          Fault(field, "repeats an earlier temperature, which would ask the same twice");
        }
      }
      if (seen.contains(0.0) && CountsVotes(spec_) && SamplesPerItem(spec_) > 1) {
        Fault(at, "has 0, at which every sample is the same; expected above 0 with votes");
      }
    }
  }

  void CheckFewShot() {
    if (!expansion_.has_few_shot()) return;
    const uint32_t count = expansion_.few_shot().count();
    if (count < 1 || count > kMaxShots) {
      Fault("data.expansion.few_shot.count",
            absl::StrCat("is ", count, "; expected 1 to ", kMaxShots));
    }
  }

  void CheckSize() {
    if (expansion_.draws() > VariantSpace::kMaxDraws) {
      return Fault(
          "data.expansion.draws",
          absl::StrCat("is ", expansion_.draws(), "; expected 0 to ", VariantSpace::kMaxDraws));
    }
    const auto space = VariantSpaceOf(spec_);
    if (!space.ok()) {
      return Fault("data.expansion", std::string(ToStd(space.status().message())));
    }
    // Noise and votes have checks of their own; here they only count.
    ExpansionSpec size;
    size.positions = space->per_row();
    size.noise_variants = std::min(spec_.noise().prompt().variants(), 16U);
    if (spec_.teachers_size() > 0) size.samples = std::clamp(SamplesPerItem(spec_), 1U, 1000U);
    size.rows = context_.train == nullptr ? 0 : context_.train->rows();
    size.max_queries = context_.max_queries;
    const auto made = Expansion::Create(size);
    if (!made.ok()) Fault("data.expansion", std::string(ToStd(made.status().message())));
  }

  const v1::JobSpec& spec_;
  const v1::Expansion& expansion_;
  const SpecContext& context_;
  FaultList& faults_;
  std::set<std::string> names_;
  bool sound_ = true;
};

}  // namespace

void CheckExpansion(const v1::JobSpec& spec, const SpecContext& context, FaultList* faults) {
  ExpansionChecker(spec, context, faults).Run();
}

}  // namespace limbeck::gateway
