#include "tests/e2e/definitions_job.h"

#include <cctype>
#include <cstdlib>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/status.h"

namespace limbeck::testing {
namespace {

using nlohmann::json;

std::filesystem::path DataFolder() {
  const char* source = std::getenv("LIMBECK_SOURCE_DIR");
  return std::filesystem::path(source == nullptr ? "." : source) / "examples" / "definitions";
}

absl::StatusOr<std::string> FirstLines(const std::string& name, size_t lines) {
  LIMBECK_ASSIGN_OR_RETURN(const std::string text, ReadFile(DataFolder() / name));
  size_t end = 0;
  for (size_t i = 0; i < lines; ++i) {
    end = text.find('\n', end);
    if (end == std::string::npos) {
      return absl::InvalidArgumentError(absl::StrCat(name, " has fewer than ", lines, " rows"));
    }
    ++end;
  }
  return text.substr(0, end);
}

std::set<std::string> Words(const std::string& text) {
  std::set<std::string> words;
  std::string word;
  for (const char c : text + " ") {
    if (std::isalpha(static_cast<unsigned char>(c))) {
      word.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
    } else if (!word.empty()) {
      if (word.size() > 3) words.insert(word);
      word.clear();
    }
  }
  return words;
}

// Words seen in at least three rows of which four in five have one label.
absl::StatusOr<json> TypicalWords() {
  LIMBECK_ASSIGN_OR_RETURN(const std::string text, FirstLines("train.jsonl", 1000));
  std::map<std::string, std::map<std::string, int>> counts;
  for (size_t start = 0; start < text.size();) {
    const size_t end = text.find('\n', start);
    const json row = json::parse(text.substr(start, end - start));
    for (const std::string& word : Words(row["text"])) ++counts[word][row["label"]];
    start = end + 1;
  }
  json keywords = json::object();
  for (const auto& [word, labels] : counts) {
    int all = 0;
    for (const auto& [label, count] : labels) all += count;
    for (const auto& [label, count] : labels) {
      if (all >= 3 && count * 5 >= all * 4) keywords[word] = label;
    }
  }
  return keywords;
}

}  // namespace

json JobSpecJson(const DefinitionsJob& job) {
  json teacher = {{"teacher", job.teacher}};
  if (job.max_tokens > 0) teacher["sampling"] = {{"max_tokens", job.max_tokens}};
  if (job.votes > 0) teacher["votes"] = job.votes;
  if (job.by_batch) teacher["purchase"] = "PURCHASE_BATCH";
  return {
      {"display_name", "definitions"},
      {"data",
       {{"train", {{"path", "train.jsonl"}}},
        {"held_out", {{"path", "held_out.jsonl"}}},
        {"id_column", "id"},
        {"prompt",
         {{"system", job.question + " Answer with one word: animal, food, person, place, plant."},
          {"user", "{{ text }}"}}}}},
      {"teachers", json::array({teacher})},
      {"task",
       {{"classify",
         {{"labels", json::array({{{"name", "animal"}},
                                  {{"name", "food"}},
                                  {{"name", "person"}},
                                  {{"name", "place"}},
                                  {{"name", "plant"}}})}}}}},
      {"student", {{"ngram", {{"hash_bits", job.hash_bits}}}}},
      {"method",
       {{"epochs", job.epochs},
        {"global_batch", job.global_batch},
        {"checkpoint_steps", job.checkpoint_steps}}},
      {"budget",
       {{"ceiling_micro_usd", job.ceiling_micro_usd},
        {"on_exhausted",
         job.train_with_partial ? "ON_EXHAUSTED_TRAIN_WITH_PARTIAL" : "ON_EXHAUSTED_PAUSE"}}},
      {"smoke", {{"rows", job.smoke_rows}}},
      {"acceptance", {{"resamples", 200}}},
      {"runtime", {{"min_workers", job.workers}, {"max_workers", job.workers}}},
      {"max_rejected_share", job.max_rejected_share}};
}

absl::StatusOr<std::filesystem::path> WriteJob(const DefinitionsJob& job,
                                               const std::filesystem::path& folder) {
  LIMBECK_RETURN_IF_ERROR(MakeDirectories(folder));
  LIMBECK_ASSIGN_OR_RETURN(const std::string train, FirstLines("train.jsonl", job.train_rows));
  LIMBECK_ASSIGN_OR_RETURN(const std::string held_out,
                           FirstLines("held_out.jsonl", job.held_out_rows));
  LIMBECK_RETURN_IF_ERROR(WriteFileDurably(folder / "train.jsonl", train));
  LIMBECK_RETURN_IF_ERROR(WriteFileDurably(folder / "held_out.jsonl", held_out));
  // YAML is a superset of JSON.
  const std::filesystem::path path = folder / "job.yaml";
  LIMBECK_RETURN_IF_ERROR(WriteFileDurably(path, JobSpecJson(job).dump(2)));
  return path;
}

absl::StatusOr<std::string> KeywordTeacherScript(const json& extra) {
  LIMBECK_ASSIGN_OR_RETURN(json keywords, TypicalWords());
  json script = {{"seed", 7}, {"softness", 0.7}, {"keywords", std::move(keywords)}};
  script.update(extra);
  return script.dump();
}

}  // namespace limbeck::testing
