// Between the contract's messages and plain structs, for the client and the service.
#pragma once

#include "absl/status/statusor.h"
#include "cache/client/cache_client.h"
#include "limbeck/v1/cache_service.pb.h"

namespace limbeck::cache {

v1::AcquireRequest ToProto(const AcquireRequest& request);
AcquireRequest FromProto(v1::AcquireRequest request);

// INTERNAL when no outcome is set.
absl::StatusOr<AcquireResult> FromProto(v1::AcquireResult result);
v1::AcquireResult ToProto(AcquireResult result);

v1::CallUsage ToProto(const CallUsage& usage);
CallUsage FromProto(const v1::CallUsage& usage);

v1::CommitItem ToProto(const CommitItem& item);
CommitItem FromProto(v1::CommitItem item);
v1::CommitOutcome ToProto(CommitOutcome outcome);
absl::StatusOr<CommitOutcome> FromProto(v1::CommitOutcome outcome);

v1::ReleaseItem ToProto(const ReleaseItem& item);
// INVALID_ARGUMENT without a reason.
absl::StatusOr<ReleaseItem> FromProto(v1::ReleaseItem item);
v1::ReleaseOutcome ToProto(ReleaseOutcome outcome);
absl::StatusOr<ReleaseOutcome> FromProto(v1::ReleaseOutcome outcome);

v1::Account ToProto(const AccountState& account);
AccountState FromProto(const v1::Account& account);

v1::TeacherStats ToProto(const TeacherStats& stats);
TeacherStats FromProto(const v1::TeacherStats& stats);

v1::InvoiceEntry ToProto(const InvoiceEntry& entry);
// INTERNAL for a kind that this side does not know.
absl::StatusOr<InvoiceEntry> FromProto(v1::InvoiceEntry entry);

v1::TrainingExample ToProto(const TrainingExample& example);
TrainingExample FromProto(v1::TrainingExample example);

SnapshotInfo FromProto(const v1::Snapshot& snapshot);

v1::StreamPacksRequest::Open ToProto(const StreamOptions& options);
StreamOptions FromProto(const v1::StreamPacksRequest::Open& open);

}  // namespace limbeck::cache
