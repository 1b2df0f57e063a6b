#include "trainer/students/encoder/encoder_student.h"

#include <cmath>
#include <numbers>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/status.h"
#include "trainer/students/encoder/encoder_batch.h"
#include "trainer/students/encoder/encoder_config.h"
#include "trainer/torch_compat.h"

namespace limbeck::trainer {
namespace {

// Standard deviation of initial weights (BERT's).
constexpr double kInitialDeviation = 0.02;

// Random streams of initial weights and of dropout must not meet.
constexpr uint64_t kDropoutSalt = 0x64726f706f757431ULL;

void FillNormal(StableRandom* random, double deviation, std::span<float> values) {
  for (float& value : values) {
    // Box–Muller; 1 − u keeps the logarithm finite.
    const double radius = std::sqrt(-2.0 * std::log(1.0 - random->Uniform()));
    value = static_cast<float>(deviation * radius *
                               std::cos(2.0 * std::numbers::pi * random->Uniform()));
  }
}

// Indices of a layer's parameters, relative to its first.
enum LayerParameter {
  kNorm1Scale,
  kNorm1Bias,
  kQkvWeight,
  kQkvBias,
  kOutWeight,
  kOutBias,
  kNorm2Scale,
  kNorm2Bias,
  kUpWeight,
  kUpBias,
  kDownWeight,
  kDownBias,
  kLayerParameters
};
// Indices of the parameters before the layers.
enum HeadParameter { kTokenTable, kPositionTable, kFirstLayer };

class EncoderStudent : public Student {
 public:
  EncoderStudent(const EncoderConfig& config, uint64_t seed) : config_(config), seed_(seed) {
    const int64_t d = config.width;
    const int64_t h = config.hidden();
    Add("token_table", {int64_t{1} << config.vocabulary_bits, d}, kNormal);
    parameters_.back().row_sparse = true;
    Add("position_table", {config.max_tokens, d}, kNormal);
    for (uint32_t layer = 0; layer < config.layers; ++layer) {
      const std::string prefix = absl::StrCat("layer", layer, ".");
      Add(prefix + "norm1.scale", {d}, kOnes);
      Add(prefix + "norm1.bias", {d}, kZeros);
      Add(prefix + "qkv.weight", {3 * d, d}, kNormal);
      Add(prefix + "qkv.bias", {3 * d}, kZeros);
      Add(prefix + "out.weight", {d, d}, kNormal);
      Add(prefix + "out.bias", {d}, kZeros);
      Add(prefix + "norm2.scale", {d}, kOnes);
      Add(prefix + "norm2.bias", {d}, kZeros);
      Add(prefix + "up.weight", {h, d}, kNormal);
      Add(prefix + "up.bias", {h}, kZeros);
      Add(prefix + "down.weight", {d, h}, kNormal);
      Add(prefix + "down.bias", {d}, kZeros);
    }
    Add("norm.scale", {d}, kOnes);
    Add("norm.bias", {d}, kZeros);
    Add("classifier.weight", {config.labels, d}, kNormal);
    Add("classifier.bias", {config.labels}, kZeros);
  }

  std::string_view kind() const override { return "encoder"; }
  size_t labels() const override { return config_.labels; }
  std::string ConfigJson() const override { return config_.ToJson(); }
  std::vector<Parameter>& parameters() override { return parameters_; }

  std::unique_ptr<PreparedBatch> Prepare(std::span<const std::string> texts) const override {
    return PrepareEncoderBatch(texts, config_);
  }

  absl::StatusOr<std::vector<float>> Infer(const PreparedBatch& batch) override {
    return Run(static_cast<const EncoderBatch&>(batch), nullptr);
  }

  absl::StatusOr<std::vector<float>> Forward(const PreparedBatch& batch,
                                             std::span<const uint64_t> streams) override {
    return Run(static_cast<const EncoderBatch&>(batch), &streams);
  }

  absl::Status Backward(std::span<const float> dlogits) override;

 private:
  enum Initial { kZeros, kOnes, kNormal };

  void Add(std::string name, std::vector<int64_t> shape, Initial initial) {
    at::Tensor tensor = initial == kOnes ? at::ones(shape) : at::zeros(shape);
    const std::span<float> values(tensor.data_ptr<float>(), size_t(tensor.numel()));
    if (initial == kNormal) {
      StableRandom random(seed_, parameters_.size());
      FillNormal(&random, kInitialDeviation, values);
    }
    parameters_.push_back({.name = std::move(name),
                           .shape = std::move(shape),
                           .values = values,
                           .decay = initial == kNormal});
    tensors_.push_back(std::move(tensor));
  }

  absl::StatusOr<std::vector<float>> Run(const EncoderBatch& batch,
                                         const std::span<const uint64_t>* streams);
  at::Tensor Logits(const EncoderBatch& batch, const std::span<const uint64_t>* streams);
  at::Tensor Layer(const at::Tensor& x_BTD, const at::Tensor& bias_B11T, size_t first,
                   const std::span<const uint64_t>* streams);
  at::Tensor Dropout(const at::Tensor& x_BTD, uint64_t site,
                     const std::span<const uint64_t>* streams) const;
  at::Tensor Norm(const at::Tensor& x, size_t scale) const {
    return at::layer_norm(x, {config_.width}, leaves_[scale], leaves_[scale + 1]);
  }

  const EncoderConfig config_;
  const uint64_t seed_;
  std::vector<at::Tensor> tensors_;  // Storage behind `parameters_`.
  std::vector<Parameter> parameters_;
  // Of the last Run: what the graph sees of each parameter (of the token table, the touched rows).
  std::vector<at::Tensor> leaves_;
  at::Tensor logits_BL_;
  std::vector<uint32_t> rows_;
};

at::Tensor EncoderStudent::Dropout(const at::Tensor& x_BTD, uint64_t site,
                                   const std::span<const uint64_t>* streams) const {
  if (streams == nullptr || config_.dropout == 0.0) return x_BTD;
  at::Tensor mask = at::empty(x_BTD.sizes());
  float* out = mask.data_ptr<float>();
  const size_t each = mask.numel() / x_BTD.size(0);
  const auto keep = static_cast<float>(1.0 / (1.0 - config_.dropout));
  // Compared as integers: four decisions of 16 bits from each draw.
  const auto threshold = static_cast<uint64_t>(config_.dropout * 65536.0);
  for (int64_t b = 0; b < x_BTD.size(0); ++b) {
    StableRandom random(seed_ ^ kDropoutSalt, (*streams)[b] * 64 + site);
    uint64_t bits = 0;
    for (size_t i = 0; i < each; ++i) {
      bits = i % 4 == 0 ? random.Next() : bits >> 16;
      *out++ = (bits & 0xFFFF) < threshold ? 0.0F : keep;
    }
  }
  return x_BTD * mask;
}

at::Tensor EncoderStudent::Layer(const at::Tensor& x_BTD, const at::Tensor& bias_B11T, size_t first,
                                 const std::span<const uint64_t>* streams) {
  const int64_t batch = x_BTD.size(0);
  const int64_t length = x_BTD.size(1);
  const int64_t head_width = config_.width / config_.heads;
  const at::Tensor qkv = at::linear(Norm(x_BTD, first + kNorm1Scale), leaves_[first + kQkvWeight],
                                    leaves_[first + kQkvBias])
                             .view({batch, length, 3, config_.heads, head_width})
                             .permute({2, 0, 3, 1, 4});  // 3 B heads T head_width
  const at::Tensor scores =
      at::matmul(qkv[0], qkv[1].transpose(-2, -1)) / std::sqrt(double(head_width)) + bias_B11T;
  const at::Tensor attended = at::matmul(at::softmax(scores, -1), qkv[2])
                                  .permute({0, 2, 1, 3})
                                  .reshape({batch, length, config_.width});
  const uint64_t site = 2 * (first - kFirstLayer) / kLayerParameters + 1;
  at::Tensor y =
      x_BTD + Dropout(at::linear(attended, leaves_[first + kOutWeight], leaves_[first + kOutBias]),
                      site, streams);
  const at::Tensor up = at::gelu(at::linear(Norm(y, first + kNorm2Scale),
                                            leaves_[first + kUpWeight], leaves_[first + kUpBias]));
  return y + Dropout(at::linear(up, leaves_[first + kDownWeight], leaves_[first + kDownBias]),
                     site + 1, streams);
}

at::Tensor EncoderStudent::Logits(const EncoderBatch& batch,
                                  const std::span<const uint64_t>* streams) {
  const auto b = static_cast<int64_t>(batch.texts);
  const auto t = static_cast<int64_t>(batch.longest);
  const at::Tensor columns_BT = at::from_blob(const_cast<int64_t*>(batch.columns.data()), {b, t},
                                              at::TensorOptions().dtype(at::kLong))
                                    .clone();
  const at::Tensor mask_BT =
      at::from_blob(const_cast<float*>(batch.mask.data()), {b, t}, at::kFloat).clone();
  at::Tensor x_BTD = at::embedding(leaves_[kTokenTable], columns_BT) +
                     leaves_[kPositionTable].slice(0, 0, t).unsqueeze(0);
  x_BTD = Dropout(x_BTD, 0, streams);
  const at::Tensor bias_B11T = ((mask_BT - 1.0) * 1e9).view({b, 1, 1, t});
  size_t first = kFirstLayer;
  for (uint32_t layer = 0; layer < config_.layers; ++layer, first += kLayerParameters) {
    x_BTD = Layer(x_BTD, bias_B11T, first, streams);
  }
  x_BTD = Norm(x_BTD, first) * mask_BT.unsqueeze(-1);
  const at::Tensor mean_BD = x_BTD.sum(1) / mask_BT.sum(1, true);
  return at::linear(mean_BD, leaves_[first + 2], leaves_[first + 3]);
}

absl::StatusOr<std::vector<float>> EncoderStudent::Run(const EncoderBatch& batch,
                                                       const std::span<const uint64_t>* streams) {
  logits_BL_ = at::Tensor();
  rows_ = batch.rows;
  if (batch.texts == 0) return std::vector<float>();
  try {
    const bool training = streams != nullptr;
    const c10::AutoGradMode gradients(training);
    leaves_.clear();
    for (size_t i = 0; i < tensors_.size(); ++i) {
      at::Tensor leaf = tensors_[i];
      if (i == kTokenTable) {
        const std::vector<int64_t> rows(rows_.begin(), rows_.end());
        leaf = leaf.index_select(0, at::tensor(rows, at::kLong));
      }
      leaves_.push_back(leaf.detach().set_requires_grad(training));
    }
    logits_BL_ = Logits(batch, streams);
    const at::Tensor flat = logits_BL_.detach().contiguous();
    const float* data = flat.data_ptr<float>();
    return std::vector<float>(data, data + flat.numel());
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("encoder forward: ", error.what()));
  }
}

absl::Status EncoderStudent::Backward(std::span<const float> dlogits) {
  try {
    if (logits_BL_.defined()) {
      const at::Tensor upstream =
          at::from_blob(const_cast<float*>(dlogits.data()), logits_BL_.sizes(), at::kFloat);
      logits_BL_.backward(upstream);
    }
    for (size_t i = 0; i < parameters_.size(); ++i) {
      Parameter& parameter = parameters_[i];
      if (parameter.row_sparse)
        parameter.rows = logits_BL_.defined() ? rows_ : std::vector<uint32_t>();
      const size_t size = parameter.row_sparse ? parameter.rows.size() * parameter.RowWidth()
                                               : parameter.values.size();
      parameter.gradient.assign(size, 0.0F);
      if (!logits_BL_.defined() || !leaves_[i].grad().defined()) continue;
      const at::Tensor gradient = leaves_[i].grad().contiguous();
      const float* data = gradient.data_ptr<float>();
      std::copy(data, data + gradient.numel(), parameter.gradient.begin());
    }
    logits_BL_ = at::Tensor();
    return absl::OkStatus();
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("encoder backward: ", error.what()));
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Student>> CreateEncoderStudent(const ConfigFields& fields,
                                                              size_t labels, uint64_t seed) {
  LIMBECK_ASSIGN_OR_RETURN(const EncoderConfig config, ParseEncoderConfig(fields, labels));
  return std::make_unique<EncoderStudent>(config, seed);
}

}  // namespace limbeck::trainer
