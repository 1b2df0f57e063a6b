#include "trainer/students/ngram/ngram_student.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "trainer/students/row_numbers.h"
#include "trainer/text/hashed_ngrams.h"

namespace limbeck::trainer {
namespace {

// A batch's features in compressed rows, with table rows renumbered to the batch's own.
struct NgramBatch : PreparedBatch {
  std::vector<size_t> offsets = {0};  // Text b has entries offsets[b] … offsets[b + 1].
  std::vector<uint32_t> columns;      // Index into `rows`.
  std::vector<float> weights;
  std::vector<uint32_t> rows;  // Touched table rows, ascending.

  size_t size() const override { return offsets.size() - 1; }
};

class NgramStudent : public Student {
 public:
  NgramStudent(const NgramOptions& options, size_t labels)
      : options_(options),
        labels_(labels),
        table_((size_t{1} << options.hash_bits) * labels),
        bias_(labels) {
    parameters_.push_back({.name = "table",
                           .shape = {int64_t{1} << options.hash_bits, int64_t(labels)},
                           .values = table_,
                           .decay = true,
                           .row_sparse = true});
    parameters_.push_back({.name = "bias",
                           .shape = {int64_t(labels)},
                           .values = bias_,
                           .gradient = std::vector<float>(labels)});
  }

  std::string_view kind() const override { return "ngram"; }
  size_t labels() const override { return labels_; }
  std::vector<Parameter>& parameters() override { return parameters_; }

  std::string ConfigJson() const override {
    return absl::StrCat("{\"kind\":\"ngram\",\"labels\":", labels_,
                        ",\"hash_bits\":", options_.hash_bits,
                        ",\"max_word_ngram\":", options_.max_word_ngram,
                        ",\"min_char_ngram\":", options_.min_char_ngram,
                        ",\"max_char_ngram\":", options_.max_char_ngram, "}");
  }

  std::unique_ptr<PreparedBatch> Prepare(std::span<const std::string> texts) const override {
    auto batch = std::make_unique<NgramBatch>();
    for (const std::string& text : texts) {
      const SparseFeatures features = ExtractNgrams(text, options_);
      batch->columns.insert(batch->columns.end(), features.rows.begin(), features.rows.end());
      batch->weights.insert(batch->weights.end(), features.weights.begin(), features.weights.end());
      batch->offsets.push_back(batch->columns.size());
    }
    batch->rows = NumberRows(options_.hash_bits, batch->columns);
    return batch;
  }

  absl::StatusOr<std::vector<float>> Infer(const PreparedBatch& prepared) override {
    const auto& batch = static_cast<const NgramBatch&>(prepared);
    std::vector<float> logits(batch.size() * labels_);
    for (size_t b = 0; b < batch.size(); ++b) {
      float* row_logits = logits.data() + b * labels_;
      std::copy(bias_.begin(), bias_.end(), row_logits);
      for (size_t i = batch.offsets[b]; i < batch.offsets[b + 1]; ++i) {
        const float* weights = table_.data() + batch.rows[batch.columns[i]] * labels_;
        for (size_t l = 0; l < labels_; ++l) row_logits[l] += batch.weights[i] * weights[l];
      }
    }
    return logits;
  }

  absl::StatusOr<std::vector<float>> Forward(const PreparedBatch& prepared,
                                             std::span<const uint64_t> streams) override {
    last_ = static_cast<const NgramBatch*>(&prepared);
    return Infer(prepared);
  }

  absl::Status Backward(std::span<const float> dlogits) override {
    if (last_ == nullptr || dlogits.size() != last_->size() * labels_) {
      return absl::InternalError("n-gram student: gradient does not fit the last batch");
    }
    const NgramBatch& batch = *std::exchange(last_, nullptr);
    Parameter& table = parameters_[0];
    Parameter& bias = parameters_[1];
    table.rows = batch.rows;
    table.gradient.assign(table.rows.size() * labels_, 0.0F);
    bias.gradient.assign(labels_, 0.0F);
    for (size_t b = 0; b < batch.size(); ++b) {
      const float* row_gradient = dlogits.data() + b * labels_;
      for (size_t l = 0; l < labels_; ++l) bias.gradient[l] += row_gradient[l];
      for (size_t i = batch.offsets[b]; i < batch.offsets[b + 1]; ++i) {
        float* gradient = table.gradient.data() + batch.columns[i] * labels_;
        for (size_t l = 0; l < labels_; ++l) gradient[l] += batch.weights[i] * row_gradient[l];
      }
    }
    return absl::OkStatus();
  }

 private:
  const NgramOptions options_;
  const size_t labels_;
  std::vector<float> table_;
  std::vector<float> bias_;
  std::vector<Parameter> parameters_;
  const NgramBatch* last_ = nullptr;  // Of the Forward that Backward belongs to.
};

}  // namespace

absl::StatusOr<std::unique_ptr<Student>> CreateNgramStudent(const ConfigFields& config,
                                                            size_t labels, uint64_t seed) {
  NgramOptions options;
  LIMBECK_ASSIGN_OR_RETURN(options.hash_bits,
                           config.Unsigned("hash_bits", options.hash_bits, 10, 24));
  LIMBECK_ASSIGN_OR_RETURN(options.max_word_ngram,
                           config.Unsigned("max_word_ngram", options.max_word_ngram, 1, 5));
  LIMBECK_ASSIGN_OR_RETURN(options.min_char_ngram,
                           config.Unsigned("min_char_ngram", options.min_char_ngram, 1, 8));
  LIMBECK_ASSIGN_OR_RETURN(options.max_char_ngram,
                           config.Unsigned("max_char_ngram", options.max_char_ngram, 0, 8));
  if (options.max_char_ngram > 0 && options.max_char_ngram < options.min_char_ngram) {
    return absl::InvalidArgumentError(
        absl::StrCat("student configuration: max_char_ngram ", options.max_char_ngram,
                     " is below min_char_ngram ", options.min_char_ngram));
  }
  return std::make_unique<NgramStudent>(options, labels);
}

}  // namespace limbeck::trainer
