// One conformance suite that every registered student passes.
#include "trainer/students/student.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "trainer/objectives/distillation_loss.h"
#include "trainer/optimiser/adamw.h"

namespace limbeck::trainer {
namespace {

const std::vector<std::string> kTexts = {"a red fox in the wood", "constantinople by the sea", "",
                                         "one two three four five six seven eight nine ten"};
const std::vector<uint64_t> kStreams = {1, 2, 3, 4};

class StudentTest : public testing::TestWithParam<std::string> {
 protected:
  std::unique_ptr<Student> Make(uint64_t seed = 1, std::string_view extra = "") {
    const std::string config =
        absl::StrCat("{\"kind\":\"", GetParam(), "\",\"labels\":3,\"hash_bits\":12,\"width\":16,",
                     "\"heads\":2,\"layers\":1,\"vocabulary_bits\":10,\"max_tokens\":8",
                     absl::string_view(extra.data(), extra.size()), "}");
    auto student = CreateStudent(config, seed);
    EXPECT_TRUE(student.ok()) << student.status();
    return std::move(*student);
  }
};

TEST_P(StudentTest, ConfigMakesTheSameArchitecture) {
  const auto student = Make();
  auto copy = CreateStudent(student->ConfigJson(), 1);
  ASSERT_TRUE(copy.ok()) << copy.status();
  EXPECT_EQ((*copy)->ConfigJson(), student->ConfigJson());
  ASSERT_EQ((*copy)->parameters().size(), student->parameters().size());
  for (size_t i = 0; i < student->parameters().size(); ++i) {
    EXPECT_EQ((*copy)->parameters()[i].name, student->parameters()[i].name);
    EXPECT_EQ((*copy)->parameters()[i].shape, student->parameters()[i].shape);
    EXPECT_TRUE(std::equal(student->parameters()[i].values.begin(),
                           student->parameters()[i].values.end(),
                           (*copy)->parameters()[i].values.begin()));
  }
}

TEST_P(StudentTest, GivesFiniteLogitsForAnyText) {
  const auto student = Make();
  const auto logits = student->Infer(*student->Prepare(kTexts));
  ASSERT_TRUE(logits.ok()) << logits.status();
  ASSERT_EQ(logits->size(), 4u * 3u);
  for (const float z : *logits) EXPECT_TRUE(std::isfinite(z));
}

TEST_P(StudentTest, ATextsLogitsDoNotDependOnItsBatch) {
  const auto student = Make();
  const auto batch = student->Infer(*student->Prepare(kTexts)).value();
  for (size_t b = 0; b < kTexts.size(); ++b) {
    const auto alone = student->Infer(*student->Prepare(std::span(kTexts).subspan(b, 1))).value();
    for (size_t l = 0; l < 3; ++l) EXPECT_NEAR(alone[l], batch[b * 3 + l], 1e-5);
  }
}

// Loss Σ dz·z for fixed dz, so that the gradient of a parameter is what Backward reports.
double Loss(Student* student, const PreparedBatch& batch, std::span<const float> dlogits) {
  const auto logits = student->Forward(batch, kStreams).value();
  double loss = 0.0;
  for (size_t i = 0; i < logits.size(); ++i) loss += double{logits[i]} * dlogits[i];
  return loss;
}

TEST_P(StudentTest, GradientsAgreeWithCentralDifferences) {
  const auto student = Make();
  const auto batch = student->Prepare(kTexts);
  const std::vector<float> dlogits = {.3F, -1, .7F, .2F, .5F, -.7F, 1, -.5F, -.5F, .1F, .2F, -.3F};
  Loss(student.get(), *batch, dlogits);
  ASSERT_TRUE(student->Backward(dlogits).ok());
  const std::vector<Parameter> analytic = student->parameters();
  for (size_t i = 0; i < analytic.size(); ++i) {
    const Parameter& parameter = analytic[i];
    const size_t width = parameter.RowWidth();
    for (const size_t g :
         {size_t{0}, parameter.gradient.size() / 2, parameter.gradient.size() - 1}) {
      const size_t at = parameter.row_sparse ? parameter.rows[g / width] * width + g % width : g;
      float& value = student->parameters()[i].values[at];
      const float before = value;
      constexpr float kStep = 1.0F / 128;
      value = before + kStep;
      const double up = Loss(student.get(), *batch, dlogits);
      value = before - kStep;
      const double down = Loss(student.get(), *batch, dlogits);
      value = before;
      const double slope = (up - down) / (2 * kStep);
      EXPECT_NEAR(parameter.gradient[g], slope, 3e-3 + 1e-2 * std::abs(slope))
          << parameter.name << "[" << at << "]";
    }
  }
}

TEST_P(StudentTest, TrainsBitEqualFromEqualSeeds) {
  std::vector<std::vector<float>> results;
  for (int run = 0; run < 2; ++run) {
    const auto student = Make(7);
    AdamW optimiser(&student->parameters(), {});
    const auto batch = student->Prepare(kTexts);
    for (int step = 0; step < 5; ++step) {
      const auto logits = student->Forward(*batch, kStreams).value();
      std::vector<float> dlogits(logits.size());
      for (size_t b = 0; b < 4; ++b) {
        const RowTarget target{.probabilities = {.5, .3, .2}, .hard_label = b % 3};
        DistillationLoss(std::span(logits).subspan(b * 3, 3), target, {.hard_weight = .5}, .25,
                         std::span(dlogits).subspan(b * 3, 3));
      }
      ASSERT_TRUE(student->Backward(dlogits).ok());
      optimiser.Step(0.01);
    }
    results.push_back(student->Infer(*batch).value());
  }
  EXPECT_EQ(results[0], results[1]);
}

TEST_P(StudentTest, EmptyBatchGivesZeroGradients) {
  const auto student = Make();
  const auto batch = student->Prepare({});
  EXPECT_TRUE(student->Forward(*batch, {}).value().empty());
  ASSERT_TRUE(student->Backward({}).ok());
  for (const Parameter& parameter : student->parameters()) {
    EXPECT_EQ(parameter.gradient.size(), parameter.row_sparse ? 0 : parameter.values.size());
    EXPECT_TRUE(std::all_of(parameter.gradient.begin(), parameter.gradient.end(),
                            [](float g) { return g == 0.0F; }));
  }
}

INSTANTIATE_TEST_SUITE_P(AllKinds, StudentTest, testing::ValuesIn(StudentKinds()),
                         [](const auto& info) { return info.param; });

TEST(EncoderStudentTest, DropoutFollowsTheStreamAndNotTheWorker) {
  const auto student = CreateStudent(
      "{\"kind\":\"encoder\",\"labels\":2,\"width\":16,\"heads\":2,\"vocabulary_bits\":10}", 3);
  ASSERT_TRUE(student.ok()) << student.status();
  const std::vector<std::string> texts = {"a b c", "a b c"};
  const auto both =
      (*student)->Forward(*(*student)->Prepare(texts), std::vector<uint64_t>{5, 6}).value();
  const auto alone =
      (*student)
          ->Forward(*(*student)->Prepare(std::span(texts).subspan(1)), std::vector<uint64_t>{6})
          .value();
  EXPECT_NE(both[0], both[2]);
  EXPECT_NEAR(both[2], alone[0], 1e-6);
}

TEST(CreateStudentTest, NamesTheFieldThatIsWrong) {
  const auto error = [](std::string_view config) {
    return std::string(CreateStudent(config, 1).status().message());
  };
  EXPECT_NE(error("{\"kind\":\"ngram\",\"labels\":2,\"hash_bits\":30}").find("hash_bits"),
            std::string::npos);
  EXPECT_NE(error("{\"kind\":\"encoder\",\"labels\":2,\"width\":100,\"heads\":8}").find("heads"),
            std::string::npos);
  EXPECT_NE(error("{\"kind\":\"tree\",\"labels\":2}").find("ngram, encoder"), std::string::npos);
  EXPECT_NE(error("{\"kind\":\"ngram\"}").find("labels"), std::string::npos);
  EXPECT_NE(error("[]").find("object"), std::string::npos);
  EXPECT_NE(error("{\"kind\":\"ngram\",\"labels\":2,\"hash_bits\":\"x\"}").find("hash_bits"),
            std::string::npos);
}

}  // namespace
}  // namespace limbeck::trainer
