// The definitions task (examples/definitions) cut to a size that end-to-end tests can afford: job
// file, rows and a fake teacher that knows the subject.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

namespace limbeck::testing {

struct DefinitionsJob {
  // As the operator's file names it.
  std::string teacher = "fake";
  // Begins the prompt. Jobs with another one share no answers.
  std::string question = "What does this text define?";
  // Of an answer; 0: the job's default.
  uint32_t max_tokens = 0;
  size_t train_rows = 200;
  size_t held_out_rows = 60;
  uint32_t workers = 2;
  uint32_t epochs = 10;
  uint32_t global_batch = 32;
  uint32_t checkpoint_steps = 20;
  uint32_t hash_bits = 14;
  // Asked of teachers without logprobs; 0 leaves it out.
  uint32_t votes = 0;
  bool by_batch = false;
  uint32_t smoke_rows = 16;
  double max_rejected_share = 0.05;
  int64_t ceiling_micro_usd = 50'000'000;
  // At the ceiling the job goes on with what it has, and may be created although it needs more.
  bool train_with_partial = false;
};

// The job file's content. Rows are read from train.jsonl and held_out.jsonl beside it.
nlohmann::json JobSpecJson(const DefinitionsJob& job);

// Writes the rows and job.yaml into `folder` and returns the job file's path.
absl::StatusOr<std::filesystem::path> WriteJob(const DefinitionsJob& job,
                                               const std::filesystem::path& folder);

// Script of a fake teacher that tells the five labels by words typical of them in the data, with
// `extra` (latency, faults) merged in.
absl::StatusOr<std::string> KeywordTeacherScript(
    const nlohmann::json& extra = nlohmann::json::object());

}  // namespace limbeck::testing
