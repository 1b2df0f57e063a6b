#include <unistd.h>

#include <csignal>
#include <iostream>
#include <string>
#include <vector>

#include "cli/run.h"

int main(int argc, char** argv) {
  // A reader that goes away (`limbeck … | head`) ends the program through a failed write.
  std::signal(SIGPIPE, SIG_IGN);
  const limbeck::cli::Io io{std::cin, std::cout, std::cerr, isatty(STDIN_FILENO) == 1,
                            isatty(STDOUT_FILENO) == 1};
  return limbeck::cli::Run(std::vector<std::string>(argv + 1, argv + argc), io,
                           limbeck::Clock::Real());
}
