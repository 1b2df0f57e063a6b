#include "trainer/students/encoder/encoder_batch.h"

#include <algorithm>

#include "trainer/text/subword_tokens.h"

namespace limbeck::trainer {

std::unique_ptr<EncoderBatch> PrepareEncoderBatch(std::span<const std::string> texts,
                                                  const EncoderConfig& config) {
  auto batch = std::make_unique<EncoderBatch>();
  batch->texts = texts.size();
  std::vector<std::vector<uint32_t>> tokens;
  batch->rows.push_back(kPaddingToken);
  for (const std::string& text : texts) {
    TokenisedText tokenised = TokeniseHashed(text, config.vocabulary_bits, config.max_tokens);
    batch->cut += tokenised.cut ? 1 : 0;
    batch->longest = std::max(batch->longest, tokenised.tokens.size());
    batch->rows.insert(batch->rows.end(), tokenised.tokens.begin(), tokenised.tokens.end());
    tokens.push_back(std::move(tokenised.tokens));
  }
  std::sort(batch->rows.begin(), batch->rows.end());
  batch->rows.erase(std::unique(batch->rows.begin(), batch->rows.end()), batch->rows.end());
  // Padding is row 0 of the table and therefore of `rows`.
  batch->columns.resize(texts.size() * batch->longest, 0);
  batch->mask.resize(texts.size() * batch->longest, 0.0F);
  for (size_t b = 0; b < tokens.size(); ++b) {
    for (size_t t = 0; t < tokens[b].size(); ++t) {
      const auto row = std::lower_bound(batch->rows.begin(), batch->rows.end(), tokens[b][t]);
      batch->columns[b * batch->longest + t] = row - batch->rows.begin();
      batch->mask[b * batch->longest + t] = 1.0F;
    }
  }
  return batch;
}

}  // namespace limbeck::trainer
