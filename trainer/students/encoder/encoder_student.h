// A small transformer encoder over hashed tokens (pre-LN, arXiv 2002.04745): token + position
// embeddings, layers of attention and feed-forward, mean over the text's tokens, classifier.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "trainer/students/config_fields.h"
#include "trainer/students/student.h"

namespace limbeck::trainer {

// Registered as "encoder". Initial weights and dropout are functions of the seed.
absl::StatusOr<std::unique_ptr<Student>> CreateEncoderStudent(const ConfigFields& config,
                                                              size_t labels, uint64_t seed);

}  // namespace limbeck::trainer
