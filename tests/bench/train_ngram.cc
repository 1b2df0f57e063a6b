// The hashed n-gram bag with its defaults, against hashing the n-grams alone.
#include "tests/bench/figure.h"
#include "tests/bench/train.h"
#include "trainer/text/hashed_ngrams.h"

namespace limbeck::bench {
namespace {

absl::StatusOr<double> HashingAlone(const std::vector<std::string>& texts) {
  constexpr int kPasses = 10;
  const Stopwatch watch;
  size_t features = 0;
  for (int pass = 0; pass < kPasses; ++pass) {
    for (const std::string& text : texts) {
      features += trainer::ExtractNgrams(text, trainer::NgramOptions()).rows.size();
    }
  }
  if (features == 0) return absl::InternalError("texts without n-grams");
  return static_cast<double>(kPasses * texts.size()) / watch.Seconds();
}

}  // namespace
}  // namespace limbeck::bench

int main(int argc, char** argv) {
  return limbeck::bench::TrainMain(argc, argv,
                                   {.figure = "train_ngram",
                                    .student = R"({"kind": "ngram", "labels": 5})",
                                    .learning_rate = 0.01,
                                    .limit = limbeck::bench::HashingAlone,
                                    .limit_is = "hashing the same texts' n-grams alone"});
}
