// A job's prompts in all their variants: which template, values, fragments, examples and
// temperature each one has, computed from the row and the position of the variant.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "absl/status/statusor.h"
#include "base/ffi/jinja.h"
#include "gateway/expansion/variant_space.h"
#include "gateway/jobs/few_shot_pool.h"
#include "gateway/jobs/row_walk.h"
#include "gateway/templates/prompt_template.h"
#include "limbeck/v1/job.pb.h"

namespace limbeck::gateway {

// The combinations of a job, for its plan and for its validation. `spec` has its defaults filled in
// and sound lists; INVALID_ARGUMENT names limits.
absl::StatusOr<VariantSpace> VariantSpaceOf(const v1::JobSpec& spec);

// What one variant of a row is made of.
struct VariantChoice {
  uint32_t prompt = 0;           // Which template.
  std::vector<uint32_t> values;  // Of each grid variable, by name.
  std::optional<double> temperature;
  uint64_t key = 0;  // What is drawn for it hangs on this.
};

// Immutable, thread-safe, movable.
class PromptPlan {
 public:
  // `spec` has its defaults filled in and was validated. Reads the few-shot pool, where there is
  // one. INVALID_ARGUMENT where a template does not compile or the pool is too small.
  static absl::StatusOr<PromptPlan> Create(const v1::JobSpec& spec, const DatasetStore& datasets);

  // Combinations in which a row is asked.
  uint32_t positions() const { return space_.per_row(); }
  // A pure function of the spec, the row's id and `position` < positions().
  VariantChoice ChoiceOf(const JobRow& row, uint32_t position) const;

  // The messages of that variant. `columns` are the row's, noisy or not. Errors are those of
  // PromptTemplate::Render and name the row.
  absl::StatusOr<std::vector<ChatTurn>> Render(const JobRow& row, const VariantChoice& choice,
                                               std::string_view columns) const;

 private:
  struct GridVariable {
    std::string name;
    std::vector<std::string> values;  // As JSON.
  };
  struct Paraphrase {
    std::string name;
    std::vector<JinjaTemplate> fragments;
  };
  explicit PromptPlan(VariantSpace space) : space_(std::move(space)) {}
  absl::Status Compile(const v1::JobSpec& spec);
  absl::Status AddVariables(const JobRow& row, const VariantChoice& choice,
                            nlohmann::json* columns) const;
  void AddGrid(const VariantChoice& choice, nlohmann::json* columns) const;
  absl::StatusOr<std::vector<ChatTurn>> Examples(const JobRow& row,
                                                 const VariantChoice& choice) const;

  VariantSpace space_;
  uint64_t seed_ = 0;
  std::vector<PromptTemplate> prompts_;
  // One template per row, drawn by these weights; empty where templates are an axis or alone.
  std::vector<double> prompt_weights_;
  std::vector<GridVariable> grid_;  // Sorted by name.
  std::vector<Paraphrase> paraphrases_;
  std::vector<double> temperatures_;
  std::optional<FewShotPool> pool_;
  uint32_t shots_ = 0;
  std::optional<JinjaTemplate> shot_user_;
  std::optional<JinjaTemplate> shot_assistant_;
};

}  // namespace limbeck::gateway
