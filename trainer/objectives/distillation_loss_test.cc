#include "trainer/objectives/distillation_loss.h"

#include <array>
#include <cmath>

#include <gtest/gtest.h>

namespace limbeck::trainer {
namespace {

// Worked example: teacher logits (2, 1, 0, −1), student (1, 1.5, 0, −0.5).
constexpr std::array<float, 4> kTeacher = {2.0F, 1.0F, 0.0F, -1.0F};
constexpr std::array<float, 4> kStudent = {1.0F, 1.5F, 0.0F, -0.5F};

RowTarget TeacherTarget(double leftover = 0.0) {
  RowTarget target{.probabilities = Softmax(kTeacher, 1.0), .leftover = leftover};
  for (double& p : target.probabilities) p *= 1.0 - leftover;
  return target;
}

TEST(SoftmaxTest, GivesTheWorkedProbabilities) {
  const std::array<double, 4> p = {.643914, .236883, .087144, .032059};
  const std::array<double, 4> q = {.308668, .508907, .113552, .068873};
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(Softmax(kTeacher, 1.0)[i], p[i], 1e-6);
    EXPECT_NEAR(Softmax(kStudent, 1.0)[i], q[i], 1e-6);
  }
}

TEST(SoftmaxTest, StandsLargeLogits) {
  const std::array<float, 2> logits = {1e30F, -1e30F};
  EXPECT_DOUBLE_EQ(Softmax(logits, 1.0)[0], 1.0);
  EXPECT_DOUBLE_EQ(Softmax(logits, 1.0)[1], 0.0);
}

TEST(SoftenTest, EqualsSofteningTheLogits) {
  const auto expected = Softmax(kTeacher, 2.0);
  const auto softened = Soften(Softmax(kTeacher, 1.0), 2.0);
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(softened[i], expected[i], 1e-12);
}

TEST(SoftenTest, KeepsZerosAndIgnoresScale) {
  const std::array<double, 3> p = {0.0, 1e-320, 1e-320};
  EXPECT_EQ(Soften(p, 5.0), (std::vector<double>{0.0, 0.5, 0.5}));
}

TEST(DistillationLossTest, GivesTheWorkedForwardKl) {
  EXPECT_NEAR(DistillationLoss(kStudent, TeacherTarget(), {}, 1.0, {}), .244744, 1e-6);
  // The table's value is without T².
  EXPECT_NEAR(DistillationLoss(kStudent, TeacherTarget(), {.temperature = 2.0}, 1.0, {}),
              4 * .058614, 4e-6);
}

TEST(DistillationLossTest, GivesTheWorkedGradient) {
  std::array<float, 4> gradient = {};
  DistillationLoss(kStudent, TeacherTarget(), {}, 1.0, gradient);
  const std::array<double, 4> expected = {-.335247, .272024, .026408, .036814};
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(gradient[i], expected[i], 1e-6);
}

TEST(DistillationLossTest, MixesTheHardLabel) {
  RowTarget target = TeacherTarget();
  target.hard_label = 1;
  const double soft = DistillationLoss(kStudent, target, {}, 1.0, {});
  const double hard = -std::log(Softmax(kStudent, 1.0)[1]);
  EXPECT_NEAR(DistillationLoss(kStudent, target, {.hard_weight = 0.7}, 1.0, {}),
              0.3 * soft + 0.7 * hard, 1e-12);
}

TEST(DistillationLossTest, LeftoverMassWeightsTheRowDownOnly) {
  std::array<float, 4> full = {};
  std::array<float, 4> part = {};
  const ObjectiveSettings settings{.temperature = 3.0, .hard_weight = 0.4};
  const double loss = DistillationLoss(kStudent, TeacherTarget(), settings, 1.0, full);
  EXPECT_NEAR(DistillationLoss(kStudent, TeacherTarget(0.25), settings, 1.0, part), 0.75 * loss,
              1e-12);
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(part[i], 0.75 * full[i], 1e-6);
}

TEST(DistillationLossTest, GradientAgreesWithCentralDifferences) {
  for (const double temperature : {0.5, 1.0, 2.0, 5.0}) {
    for (const double hard_weight : {0.0, 0.3, 1.0}) {
      RowTarget target = TeacherTarget(0.1);
      target.hard_label = 2;
      const ObjectiveSettings settings{temperature, hard_weight};
      std::array<float, 4> gradient = {};
      DistillationLoss(kStudent, target, settings, 2.0, gradient);
      for (size_t i = 0; i < 4; ++i) {
        constexpr float kStep = 1.0F / 256;
        std::array<float, 4> up = kStudent;
        std::array<float, 4> down = kStudent;
        up[i] += kStep;
        down[i] -= kStep;
        const double slope = (DistillationLoss(up, target, settings, 1.0, {}) -
                              DistillationLoss(down, target, settings, 1.0, {})) /
                             (2 * kStep);
        EXPECT_NEAR(gradient[i], 2.0 * slope, 1e-4) << temperature << " " << hard_weight;
      }
    }
  }
}

TEST(DistillationLossTest, ZeroTeacherProbabilityAndFarStudentStayFinite) {
  const RowTarget target{.probabilities = {0.9, 0.0}, .leftover = 0.1, .hard_label = 0};
  const std::array<float, 2> logits = {-2000.0F, 2000.0F};
  std::array<float, 2> gradient = {};
  EXPECT_TRUE(std::isfinite(DistillationLoss(logits, target, {.hard_weight = .5}, 1.0, gradient)));
  EXPECT_TRUE(std::isfinite(gradient[0]) && std::isfinite(gradient[1]));
}

}  // namespace
}  // namespace limbeck::trainer
