#include "cli/local_trainers.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace limbeck::cli {

std::vector<ProgramOptions> LocalTrainers(const LocalTrainerOptions& options) {
  std::vector<ProgramOptions> trainers;
  for (uint32_t i = 1; i <= options.count; ++i) {
    const std::string name = absl::StrCat("trainer-", i);
    const uint32_t threads = std::max(1u, options.processors / options.count);
    trainers.push_back(
        {.path = options.program,
         .arguments = {"work", "--gateway", options.gateway, "--worker-id", name, "--work-dir",
                       (options.work_dir / name).string(), "--threads", absl::StrCat(threads)},
         // Idle OpenMP threads that spin would take the other trainers' processors.
         .environment = {{"OMP_WAIT_POLICY", "passive"}},
         .own_group = true});
  }
  return trainers;
}

}  // namespace limbeck::cli
