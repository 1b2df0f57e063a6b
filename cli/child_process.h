// Starts programs that end with this one.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace limbeck::cli {

struct ProgramOptions {
  std::string path;
  // Without the program's own name.
  std::vector<std::string> arguments;
  // Added to this process's environment where the name is not set there.
  std::map<std::string, std::string> environment;
  // A file descriptor for its standard input; -1 for /dev/null.
  int stdin_fd = -1;
  // In a process group of its own a program does not get the terminal's Ctrl-C.
  bool own_group = false;
};

// Starts the program and returns its process id; the caller reaps it. The kernel kills it when the
// calling thread ends, so call it from a thread that lives as long as the program should. NOT_FOUND
// when there is no such program, RESOURCE_EXHAUSTED when no process can be made.
absl::StatusOr<pid_t> StartProgram(const ProgramOptions& options);

// Starts the program, waits for its end and returns its exit status; 128 + n after signal n.
absl::StatusOr<int> RunProgram(const ProgramOptions& options);

// A program that is installed beside this one. NOT_FOUND names where it was looked for.
absl::StatusOr<std::string> FindSibling(const std::string& name);

}  // namespace limbeck::cli
