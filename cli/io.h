// Where a command reads and writes, so that tests can stand in for a terminal.
#pragma once

#include <istream>
#include <ostream>

namespace limbeck::cli {

// Streams are borrowed and outlive the command.
struct Io {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  // Questions may be asked only when `in` is a terminal.
  bool in_is_terminal = false;
  // A progress bar is painted only when `out` is a terminal.
  bool out_is_terminal = false;
};

}  // namespace limbeck::cli
