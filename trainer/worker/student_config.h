// From a job's spec to what the trainer's parts are configured with.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "limbeck/v1/job.pb.h"
#include "limbeck/v1/worker_service.pb.h"
#include "trainer/data/teacher_row.h"
#include "trainer/loop/train.h"

namespace limbeck::trainer {

// The configuration that CreateStudent takes.
std::string StudentConfigJson(const v1::JobSpec& spec);

// Label names in order.
std::vector<std::string> LabelNames(const v1::JobSpec& spec);

// INVALID_ARGUMENT for labels that cannot be told apart.
absl::StatusOr<RowDecoder> MakeRowDecoder(const v1::JobSpec& spec);

// `checkpoint_directory` and everything else that the assignment says of the loop. The run hash
// covers what decides the result and nothing else, so that a raised ceiling does not lose a
// checkpoint.
TrainOptions MakeTrainOptions(const v1::WorkResponse::Assignment& assignment,
                              const std::filesystem::path& checkpoint_directory);

}  // namespace limbeck::trainer
