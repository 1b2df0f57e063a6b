// The list of students: a new one touches its own folder and this list.
#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status.h"
#include "trainer/students/config_fields.h"
#include "trainer/students/encoder/encoder_student.h"
#include "trainer/students/ngram/ngram_student.h"
#include "trainer/students/student.h"

namespace limbeck::trainer {
namespace {

constexpr uint32_t kMaxLabels = 1000;

struct StudentKind {
  const char* name;
  absl::StatusOr<std::unique_ptr<Student>> (*create)(const ConfigFields&, size_t, uint64_t);
};

constexpr std::array kKinds = {
    StudentKind{"ngram", CreateNgramStudent},
    StudentKind{"encoder", CreateEncoderStudent},
};

}  // namespace

uint64_t Student::ParameterCount() {
  uint64_t count = 0;
  for (const Parameter& parameter : parameters()) count += parameter.values.size();
  return count;
}

std::vector<std::string> StudentKinds() {
  std::vector<std::string> names;
  for (const StudentKind& kind : kKinds) names.emplace_back(kind.name);
  return names;
}

absl::StatusOr<std::unique_ptr<Student>> CreateStudent(std::string_view config_json,
                                                       uint64_t seed) {
  LIMBECK_ASSIGN_OR_RETURN(const ConfigFields config, ConfigFields::Parse(config_json));
  LIMBECK_ASSIGN_OR_RETURN(const uint32_t labels, config.Unsigned("labels", 0, 2, kMaxLabels));
  if (labels < 2) {
    return absl::InvalidArgumentError("student configuration: labels is missing");
  }
  const std::string name = config.String("kind");
  for (const StudentKind& kind : kKinds) {
    if (name == kind.name) return kind.create(config, labels, seed);
  }
  return absl::InvalidArgumentError(absl::StrCat("student configuration: kind must be one of ",
                                                 absl::StrJoin(StudentKinds(), ", "), ", not \"",
                                                 name, "\""));
}

}  // namespace limbeck::trainer
