#include "trainer/data/teacher_row.h"

#include "absl/strings/str_cat.h"
#include "base/backoff.h"
#include "base/hash.h"
#include "base/status.h"
#include "cache/records/record_codec.h"

namespace limbeck::trainer {

absl::StatusOr<TeacherRow> RowDecoder::Decode(const cache::StreamItem& item,
                                              bool with_noise) const {
  const std::string row = absl::StrCat("row ", item.example.row_id);
  TeacherRow result{.row_id = item.example.row_id, .text = item.example.input};
  std::vector<cache::SoftOutput> outputs;
  for (const std::string& record : item.records) {
    auto output = cache::DecodeRecord(record);
    if (!output.ok()) return Annotate(output.status(), row);
    outputs.push_back(std::move(*output));
  }
  auto distribution = reader.Read(outputs);
  if (!distribution.ok()) {
    return absl::DataLossError(absl::StrCat(
        row, " of the snapshot gives no label distribution: ", distribution.status().message()));
  }
  result.teacher = std::move(*distribution);
  result.teacher_model = outputs.empty() ? "" : outputs[0].provenance.model;
  if (with_noise && noise.enabled()) {
    const absl::Status status = cache::ApplyOutputNoise(
        noise, {.epoch = item.epoch, .item = Xxh3(item.example.row_id, item.example.variant)},
        result.teacher);
    if (!status.ok()) return Annotate(status, row);
  }
  const std::string& gold = item.example.gold;
  if (!gold.empty()) {
    const cache::LabelSet& labels = reader.labels();
    for (size_t i = 0; i < labels.size() && result.gold < 0; ++i) {
      if (labels.labels()[i].name == gold) result.gold = static_cast<int>(i);
    }
    if (result.gold < 0) result.gold = labels.Match(gold);
    if (result.gold < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(row, ": gold label \"", gold, "\" is none of task.classify.labels"));
    }
  }
  if (needs_gold && result.gold < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(row, " has no gold label, which method.hard_labels asks for"));
  }
  return result;
}

absl::StatusOr<std::vector<TeacherRow>> ReadAllRows(const RowDecoder& decoder,
                                                    const OpenStream& open,
                                                    const ReopenPolicy& policy,
                                                    const std::function<bool()>& cancelled) {
  std::vector<TeacherRow> rows;
  Backoff backoff({.initial = policy.initial_delay, .max = policy.max_delay}, StableRandom(0, 0));
  uint32_t failures = 0;
  while (true) {
    auto stream = open(0, rows.size());
    absl::Status status = stream.status();
    while (status.ok()) {
      if (cancelled()) return absl::CancelledError("stopped while reading a snapshot");
      auto item = (*stream)->Next();
      if (absl::IsOutOfRange(item.status())) return rows;
      status = item.status();
      if (!status.ok()) break;
      LIMBECK_ASSIGN_OR_RETURN(TeacherRow row, decoder.Decode(*item, /*with_noise=*/false));
      rows.push_back(std::move(row));
      failures = 0;
      backoff.Reset();
    }
    if (!absl::IsUnavailable(status) || ++failures > policy.max_failures) return status;
    if (cancelled()) return absl::CancelledError("stopped while reading a snapshot");
    policy.clock->SleepFor(backoff.Next());
  }
}

}  // namespace limbeck::trainer
