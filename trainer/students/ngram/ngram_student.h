// The hashed n-gram bag: logits_BL = features_BH · table_HL + bias_L.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "trainer/students/config_fields.h"
#include "trainer/students/student.h"

namespace limbeck::trainer {

// Registered as "ngram". Weights start at zero, so the seed does not matter.
absl::StatusOr<std::unique_ptr<Student>> CreateNgramStudent(const ConfigFields& config,
                                                            size_t labels, uint64_t seed);

}  // namespace limbeck::trainer
