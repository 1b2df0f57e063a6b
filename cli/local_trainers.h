// The trainers of `limbeck up`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/child_process.h"

namespace limbeck::cli {

struct LocalTrainerOptions {
  // The program limbeck-trainer.
  std::string program;
  // host:port of the gateway.
  std::string gateway;
  // Each trainer gets a folder of its own in it.
  std::filesystem::path work_dir;
  uint32_t count = 0;
  // Processors that they share.
  uint32_t processors = 1;
};

// How to start each trainer: named "trainer-1", …; each with its share of the processors, at least
// one, and in a process group of its own, so that Ctrl-C reaches `limbeck up` alone.
std::vector<ProgramOptions> LocalTrainers(const LocalTrainerOptions& options);

}  // namespace limbeck::cli
