#include "trainer/export/student_folder.h"

#include <google/protobuf/util/json_util.h>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/status.h"
#include "trainer/checkpoints/checkpoint.h"
#include "trainer/export/report_html.h"

namespace limbeck::trainer {
namespace {

constexpr char kModel[] = "model.safetensors";
constexpr char kConfig[] = "config.json";
constexpr char kLabels[] = "labels.json";
constexpr char kReport[] = "report.json";
constexpr char kPage[] = "report.html";

absl::StatusOr<std::vector<std::string>> ReadLabels(const std::filesystem::path& path) {
  LIMBECK_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  const nlohmann::json parsed = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  std::vector<std::string> labels;
  if (parsed.is_array()) {
    for (const nlohmann::json& label : parsed) {
      if (!label.is_string()) break;
      labels.push_back(label.get<std::string>());
    }
  }
  if (!parsed.is_array() || labels.size() != parsed.size() || labels.size() < 2) {
    return absl::DataLossError(
        absl::StrCat(path.string(), ": expected a JSON array of at least two label names"));
  }
  return labels;
}

}  // namespace

absl::StatusOr<std::map<std::string, std::string>> StudentFiles(
    Student* student, const std::vector<std::string>& labels, const v1::AcceptanceReport& report) {
  std::map<std::string, std::string> files;
  files[kModel] = EncodeModel(student);
  files[kConfig] = student->ConfigJson() + "\n";
  files[kLabels] = nlohmann::json(labels).dump(1) + "\n";
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  const auto printed =
      google::protobuf::util::MessageToJsonString(report, &files[kReport], options);
  if (!printed.ok()) {
    return absl::InternalError(absl::StrCat("write report.json: ", printed.ToString()));
  }
  files[kPage] = ReportHtml(report);
  return files;
}

absl::StatusOr<LoadedStudent> LoadStudentFolder(const std::filesystem::path& folder) {
  LoadedStudent loaded;
  LIMBECK_ASSIGN_OR_RETURN(loaded.labels, ReadLabels(folder / kLabels));
  LIMBECK_ASSIGN_OR_RETURN(const std::string config, ReadFile(folder / kConfig));
  auto student = CreateStudent(config, /*seed=*/0);
  if (!student.ok()) return Annotate(student.status(), (folder / kConfig).string());
  loaded.student = *std::move(student);
  if (loaded.student->labels() != loaded.labels.size()) {
    return absl::FailedPreconditionError(absl::StrCat(folder.string(), ": ", kConfig, " has ",
                                                      loaded.student->labels(), " labels, ",
                                                      kLabels, " has ", loaded.labels.size()));
  }
  LIMBECK_ASSIGN_OR_RETURN(const std::string model, ReadFile(folder / kModel));
  LIMBECK_RETURN_IF_ERROR(
      Annotate(DecodeModel(model, loaded.student.get()), (folder / kModel).string()));
  return loaded;
}

}  // namespace limbeck::trainer
