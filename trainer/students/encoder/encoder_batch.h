// Token ids of a batch, padded to its longest text, with the token table's rows renumbered.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "trainer/students/encoder/encoder_config.h"
#include "trainer/students/student.h"

namespace limbeck::trainer {

struct EncoderBatch : PreparedBatch {
  size_t texts = 0;
  size_t longest = 0;            // Tokens of the longest text (T).
  std::vector<uint32_t> rows;    // Touched rows of the token table, ascending.
  std::vector<int64_t> columns;  // Index into `rows` for each token, B × T.
  std::vector<float> mask;       // 1 for a token, 0 for padding, B × T.
  size_t cut = 0;

  size_t size() const override { return texts; }
  size_t cut_texts() const override { return cut; }
};

std::unique_ptr<EncoderBatch> PrepareEncoderBatch(std::span<const std::string> texts,
                                                  const EncoderConfig& config);

}  // namespace limbeck::trainer
