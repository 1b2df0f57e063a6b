// The transformer encoder with its defaults, against the matrix products of a step alone.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "tests/bench/figure.h"
#include "tests/bench/train.h"
#include "trainer/text/subword_tokens.h"

namespace limbeck::bench {
namespace {

constexpr int64_t kBatch = 64;  // B
constexpr int64_t kWidth = 128;
constexpr int64_t kLayers = 2;
constexpr int64_t kHeads = 4;
constexpr uint32_t kVocabularyBits = 15;
constexpr size_t kMaxTokens = 64;

// Mean over batches of the tokens to which texts are padded (T).
int64_t PaddedTokens(const std::vector<std::string>& texts) {
  size_t sum = 0;
  size_t batches = 0;
  for (size_t start = 0; start + kBatch <= texts.size(); start += kBatch, ++batches) {
    size_t longest = 0;
    for (size_t i = start; i < start + kBatch; ++i) {
      longest = std::max(
          longest, trainer::TokeniseHashed(texts[i], kVocabularyBits, kMaxTokens).tokens.size());
    }
    sum += longest;
  }
  return static_cast<int64_t>((sum + batches / 2) / batches);
}

// A linear layer's product forward and the two of its backward pass.
struct Linear {
  Linear(int64_t rows, int64_t in, int64_t out)
      : x(at::rand({rows, in})), w(at::rand({in, out})), dy(at::rand({rows, out})) {}
  void Step() const {
    at::mm(x, w);
    at::mm(dy, w.t());
    at::mm(x.t(), dy);
  }
  at::Tensor x, w, dy;
};

absl::StatusOr<double> ProductsAlone(const std::vector<std::string>& texts) {
  constexpr int kSteps = 20;
  at::set_num_threads(1);
  const int64_t tokens = PaddedTokens(texts);
  const int64_t rows = kBatch * tokens;
  const Linear qkv(rows, kWidth, 3 * kWidth);
  const Linear out(rows, kWidth, kWidth);
  const Linear up(rows, kWidth, 4 * kWidth);
  const Linear down(rows, 4 * kWidth, kWidth);
  const at::Tensor heads = at::rand({kBatch * kHeads, tokens, kWidth / kHeads});
  const at::Tensor scores = at::rand({kBatch * kHeads, tokens, tokens});
  const auto step = [&] {
    for (int64_t layer = 0; layer < kLayers; ++layer) {
      for (const Linear* linear : {&qkv, &out, &up, &down}) linear->Step();
      // Scores and mix forward; two products for each backward.
      for (int i = 0; i < 3; ++i) {
        at::bmm(heads, heads.transpose(1, 2));
        at::bmm(scores, heads);
      }
    }
  };
  step();
  const Stopwatch watch;
  for (int i = 0; i < kSteps; ++i) step();
  return static_cast<double>(kSteps * kBatch) / watch.Seconds();
}

}  // namespace
}  // namespace limbeck::bench

int main(int argc, char** argv) {
  return limbeck::bench::TrainMain(
      argc, argv,
      {.figure = "train_encoder",
       .student = R"({"kind": "encoder", "labels": 5})",
       .learning_rate = 0.0005,
       .limit = limbeck::bench::ProductsAlone,
       .limit_is = "the matrix products of the same steps alone (at::mm, at::bmm)"});
}
