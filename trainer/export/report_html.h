// The acceptance report as one page that needs nothing else.
#pragma once

#include <string>

#include "limbeck/v1/report.pb.h"

namespace limbeck::trainer {

// Self-contained HTML: no scripts, no requests, light and dark. Everything that came from users or
// teachers is escaped.
std::string ReportHtml(const v1::AcceptanceReport& report);

}  // namespace limbeck::trainer
