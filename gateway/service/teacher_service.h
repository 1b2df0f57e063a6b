// limbeck.v1.TeacherService: the operator's teachers without their keys.
#pragma once

#include "gateway/service/teacher_probe.h"
#include "gateway/service/teacher_set.h"
#include "limbeck/v1/teacher_service.grpc.pb.h"

namespace limbeck::gateway {

class TeacherServiceImpl final : public v1::TeacherService::Service {
 public:
  // Both borrowed.
  TeacherServiceImpl(const TeacherSet* teachers, TeacherProbe* probe)
      : teachers_(teachers), probe_(probe) {}

  grpc::Status ListTeachers(grpc::ServerContext* context, const v1::ListTeachersRequest* request,
                            v1::ListTeachersResponse* response) override;
  grpc::Status PlanTeacherProbe(grpc::ServerContext* context,
                                const v1::PlanTeacherProbeRequest* request,
                                v1::TeacherProbePlan* response) override;
  grpc::Status ProbeTeacher(grpc::ServerContext* context, const v1::ProbeTeacherRequest* request,
                            v1::TeacherCapability* response) override;

 private:
  // NOT_FOUND says where the names are.
  absl::StatusOr<const TeacherSet::Teacher*> Find(const std::string& name) const;

  const TeacherSet* const teachers_;
  TeacherProbe* const probe_;
};

}  // namespace limbeck::gateway
