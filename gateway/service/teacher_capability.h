// What a probe saw, as it is kept and shown, and what follows from it for jobs.
#pragma once

#include "absl/time/time.h"
#include "gateway/jobs/teacher_facts.h"
#include "gateway/probing/probe_findings.h"
#include "limbeck/v1/teacher_service.pb.h"

namespace limbeck::gateway {

// Everything but when, how long and how dear. What is not known is absent, with a note that says
// why.
v1::TeacherCapability DescribeFindings(const ProbeFindings& findings);

// What a probe saw, for checking jobs: it takes away what the teacher did not give, and never adds
// what the configuration rules out. `now` is wall time.
void ApplyCapability(const v1::TeacherCapability& seen, absl::Time now, TeacherFacts* facts);

}  // namespace limbeck::gateway
