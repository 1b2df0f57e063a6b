#include "cli/job_file.h"

namespace limbeck::cli {

std::string_view ExampleJobFile() {
  static constexpr std::string_view kText =
      R"yaml(# A distillation job. Check it with `limbeck estimate -f FILE`, run it with
# `limbeck jobs create -f FILE`. docs/job-spec.md explains every field.
display_name: my first student

data:
  # One JSON object a line, or .csv with a header row. Paths are relative to this file.
  train: {path: train.jsonl}
  # Rows with gold labels for the verdict. Without this, part of `train` is held out:
  # held_out: {path: held_out.jsonl}
  held_out_share: 0.2
  input_column: text       # what the student reads
  label_column: label      # gold; needed on held-out rows
  prompt:                  # Jinja; variables are the row's columns
    system: "Which kind of thing does this text describe? Answer with one word: animal or plant."
    examples:
      - {user: "Text: it barks", assistant: animal}
      - {user: "Text: it has leaves", assistant: plant}
    user: "Text: {{ text }}"

teachers:
  - teacher: my-teacher    # a name from `limbeck teachers list`
    top_logprobs: 20       # candidates per token; teachers without logprobs are asked for votes
    sampling: {temperature: 0, max_tokens: 1}

task:
  classify:
    labels:
      - {name: animal}
      - {name: plant}

student:
  ngram: {}                # megabytes, no GPU; or `encoder: {}`

budget:
  ceiling_micro_usd: 5000000   # 5 USD; never passed

acceptance:
  metric: macro_f1         # or accuracy, agreement
  margin: 0.03             # largest accepted loss against the teacher

runtime: {min_workers: 1, max_workers: 2}
)yaml";
  return kText;
}

}  // namespace limbeck::cli
