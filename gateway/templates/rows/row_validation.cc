#include "gateway/templates/rows/row_validation.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/error_details.h"
#include "base/hash.h"
#include "base/status.h"
#include "gateway/templates/rows/json_record.h"

namespace limbeck::gateway {
namespace {

class Validator {
 public:
  // Content hashes repeat with the content, which is no fault: only explicit ids are checked.
  Validator(const RowValidationSpec& spec, bool check_ids) : spec_(spec), check_ids_(check_ids) {}

  void TakeRow(const Row& row) {
    const uint64_t number = row.index + 1;
    if (spec_.prompt != nullptr) {
      auto turns = spec_.prompt->Render(row.columns, number);
      if (!turns.ok()) Fault(number, std::string(turns.status().message()));
    }
    CheckId(row);
    if (spec_.input_column.empty() && spec_.label_column.empty()) return;
    const auto columns = ParseJsonRecord(row.columns);
    if (!columns.ok()) return Fault(number, std::string(columns.status().message()));
    if (!spec_.input_column.empty()) CheckInput(number, *columns);
    if (!spec_.label_column.empty()) CheckLabel(number, *columns);
  }

  void Fault(uint64_t row, std::string message) {
    if (result_.faults.size() < spec_.max_faults) result_.faults.push_back({row, message});
    ++result_.faults_total;
  }

  RowValidation Finish(uint64_t rows) {
    result_.rows = rows;
    return std::move(result_);
  }

 private:
  void CheckInput(uint64_t number, const nlohmann::json& columns) {
    const auto input = columns.find(spec_.input_column);
    if (input == columns.end()) {
      return Fault(number,
                   absl::StrCat("row ", number, " has no input column '", spec_.input_column, "'"));
    }
    if (!input->is_string()) {
      return Fault(number, absl::StrCat("row ", number, ": input column '", spec_.input_column,
                                        "' is ", input->type_name(), "; expected a string"));
    }
    const auto& text = input->get_ref<const std::string&>();
    if (text.find_first_not_of(" \t\r\n") == std::string::npos) {
      Fault(number,
            absl::StrCat("row ", number, ": input column '", spec_.input_column, "' is empty"));
    }
  }

  void CheckLabel(uint64_t number, const nlohmann::json& columns) {
    const auto label = columns.find(spec_.label_column);
    if (label == columns.end()) {
      if (spec_.label_required) {
        Fault(number,
              absl::StrCat("row ", number, " has no label column '", spec_.label_column, "'"));
      }
      return;
    }
    if (!label->is_string()) {
      return Fault(number, absl::StrCat("row ", number, ": label column '", spec_.label_column,
                                        "' is ", label->type_name(), "; expected a string"));
    }
    const auto& text = label->get_ref<const std::string&>();
    if (!spec_.labels.empty() &&
        std::find(spec_.labels.begin(), spec_.labels.end(), text) == spec_.labels.end()) {
      Fault(number, absl::StrCat("row ", number, ": label '", text, "' is none of ",
                                 absl::StrJoin(spec_.labels, ", ")));
    }
  }

  void CheckId(const Row& row) {
    if (!check_ids_ || ids_.size() >= spec_.max_tracked_ids) return;
    const auto [first, added] = ids_.try_emplace(Xxh3(row.id), row.index + 1);
    if (!added) {
      Fault(row.index + 1, absl::StrCat("row ", row.index + 1, " repeats the id '", row.id,
                                        "' of row ", first->second));
    }
  }

  const RowValidationSpec& spec_;
  const bool check_ids_;
  absl::flat_hash_map<uint64_t, uint64_t> ids_;
  RowValidation result_;
};

}  // namespace

absl::Status RowValidation::ToStatus() const {
  if (ok()) return absl::OkStatus();
  std::string text = absl::StrCat("the rows have ", faults_total, " fault(s):");
  std::vector<FieldViolation> violations;
  for (const RowFault& fault : faults) {
    absl::StrAppend(&text, "\n", fault.message);
    violations.push_back({absl::StrCat("rows[", fault.row, "]"), fault.message});
  }
  if (faults_total > faults.size()) {
    absl::StrAppend(&text, "\nand ", faults_total - faults.size(), " more");
  }
  return WithFieldViolations(absl::InvalidArgumentError(text), violations);
}

absl::StatusOr<RowValidation> ValidateRows(RowReader& reader, const RowValidationSpec& spec) {
  Validator validator(spec, reader.has_id_column());
  const uint64_t first = reader.next_index();
  while (true) {
    auto row = reader.Next();
    if (!row.ok()) {
      if (!absl::IsInvalidArgument(row.status())) return row.status();
      validator.Fault(reader.next_index(), std::string(row.status().message()));
      continue;
    }
    if (!row->has_value()) break;
    validator.TakeRow(**row);
  }
  return validator.Finish(reader.next_index() - first);
}

}  // namespace limbeck::gateway
