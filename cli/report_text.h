// The acceptance report for people.
#pragma once

#include <ostream>

#include "limbeck/v1/report.pb.h"

namespace limbeck::cli {

// Verdict and its sentence first, then the comparison, the student, the data and the warnings.
void PrintReport(const v1::AcceptanceReport& report, std::ostream& out);

}  // namespace limbeck::cli
