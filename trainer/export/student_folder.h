// A finished student as a folder, and back:
//
//   model.safetensors   parameters
//   config.json         architecture, for CreateStudent
//   labels.json         label names in the order of the logits
//   report.json         AcceptanceReport in protobuf's JSON mapping
//   report.html         the same for people
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "limbeck/v1/report.pb.h"
#include "trainer/students/student.h"

namespace limbeck::trainer {

// Files by name. `report` is written as it stands.
absl::StatusOr<std::map<std::string, std::string>> StudentFiles(
    Student* student, const std::vector<std::string>& labels, const v1::AcceptanceReport& report);

struct LoadedStudent {
  std::unique_ptr<Student> student;
  std::vector<std::string> labels;
};

// Reads model, configuration and labels. Errors name the file and what is wrong with it.
absl::StatusOr<LoadedStudent> LoadStudentFolder(const std::filesystem::path& folder);

}  // namespace limbeck::trainer
