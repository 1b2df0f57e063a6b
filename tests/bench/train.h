// Texts per second of the real training loop, one thread a worker, with one worker and with two.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace limbeck::bench {

struct TrainCase {
  // Prefix of the figures "…_1_worker" and "…_2_workers".
  std::string figure;
  // For trainer::CreateStudent.
  std::string student;
  uint32_t global_batch = 64;
  double learning_rate = 0.01;
  // Texts a second that one thread could do at best, and what that is.
  std::function<absl::StatusOr<double>(const std::vector<std::string>& texts)> limit;
  std::string limit_is;
};

// The benchmark's main: trains in child processes (this program again) that meet over Gloo on
// loopback, and prints both figures.
int TrainMain(int argc, char** argv, const TrainCase& train);

}  // namespace limbeck::bench
