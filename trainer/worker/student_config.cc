#include "trainer/worker/student_config.h"

#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "base/status.h"
#include "cache/records/job_labels.h"

namespace limbeck::trainer {
namespace {

Schedule ToSchedule(const v1::Schedule& schedule) {
  ScheduleShape shape = ScheduleShape::kLinear;
  if (schedule.shape() == v1::Schedule::SHAPE_COSINE) shape = ScheduleShape::kCosine;
  if (schedule.shape() == v1::Schedule::SHAPE_CONSTANT) shape = ScheduleShape::kConstant;
  return {schedule.start(), schedule.end(), shape};
}

std::string RunHash(const v1::WorkResponse::Assignment& assignment) {
  const v1::JobSpec& spec = assignment.spec();
  v1::JobSpec decisive;
  *decisive.mutable_method() = spec.method();
  *decisive.mutable_student() = spec.student();
  *decisive.mutable_task() = spec.task();
  *decisive.mutable_noise()->mutable_output() = spec.noise().output();
  return Sha256Hex(decisive.SerializeAsString() + '\0' + assignment.train_snapshot_id() + '\0' +
                   assignment.validation_snapshot_id());
}

}  // namespace

std::string StudentConfigJson(const v1::JobSpec& spec) {
  nlohmann::ordered_json config;
  if (spec.student().has_encoder()) {
    const v1::EncoderStudent& encoder = spec.student().encoder();
    config = {{"kind", "encoder"},
              {"width", encoder.width()},
              {"layers", encoder.layers()},
              {"heads", encoder.heads()},
              {"max_tokens", encoder.max_tokens()},
              {"vocabulary_bits", encoder.vocabulary_bits()},
              {"dropout", encoder.dropout()}};
  } else {
    const v1::NgramStudent& ngram = spec.student().ngram();
    config = {{"kind", "ngram"},
              {"hash_bits", ngram.hash_bits()},
              {"max_word_ngram", ngram.max_word_ngram()},
              {"min_char_ngram", ngram.min_char_ngram()},
              {"max_char_ngram", ngram.max_char_ngram()}};
  }
  config["labels"] = spec.task().classify().labels_size();
  return config.dump();
}

std::vector<std::string> LabelNames(const v1::JobSpec& spec) {
  std::vector<std::string> names;
  for (const v1::Label& label : spec.task().classify().labels()) names.push_back(label.name());
  return names;
}

absl::StatusOr<RowDecoder> MakeRowDecoder(const v1::JobSpec& spec) {
  LIMBECK_ASSIGN_OR_RETURN(cache::LabelReader reader, cache::MakeLabelReader(spec));
  const v1::OutputNoise& noise = spec.noise().output();
  return RowDecoder{.reader = std::move(reader),
                    .noise = {.temperature_jitter = noise.temperature_jitter(),
                              .dirichlet_concentration = noise.dirichlet_concentration(),
                              .seed = noise.seed(),
                              .logit_noise = noise.logit_noise(),
                              .top_k = noise.top_k(),
                              .label_smoothing = noise.label_smoothing()},
                    .needs_gold = spec.method().hard_labels() == v1::HARD_LABEL_SOURCE_GOLD};
}

TrainOptions MakeTrainOptions(const v1::WorkResponse::Assignment& assignment,
                              const std::filesystem::path& checkpoint_directory) {
  const v1::Method& method = assignment.spec().method();
  return {.temperature = ToSchedule(method.temperature()),
          .hard_weight = ToSchedule(method.hard_weight()),
          .epochs = method.epochs(),
          .global_batch = method.global_batch(),
          .learning_rate = method.learning_rate(),
          .weight_decay = method.weight_decay(),
          .warmup_share = method.warmup_share(),
          .max_gradient_norm = method.max_gradient_norm(),
          .seed = method.seed(),
          .checkpoints = {.steps = method.checkpoint_steps()},
          .items = assignment.train_items(),
          .run_hash = RunHash(assignment),
          .checkpoint_directory = checkpoint_directory};
}

}  // namespace limbeck::trainer
