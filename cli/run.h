// The command line as a function.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "cli/io.h"

namespace limbeck::cli {

// Runs `limbeck ARGUMENTS…` (without the program's name) and returns its exit status. Never throws;
// everything wrong is one message on `io.err`. LIMBECK_SERVER, LIMBECK_CACHE and LIMBECK_TOKEN_FILE
// stand in for options that are not given.
int Run(const std::vector<std::string>& arguments, const Io& io, Clock* clock);

}  // namespace limbeck::cli
