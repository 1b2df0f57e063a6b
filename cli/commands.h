// The commands of `limbeck`, one file each (cli/<group>_<command>.cc). Each function adds its
// subcommand with options, help and examples, and has it hand its work to the session.
#pragma once

namespace CLI {
class App;
}

namespace limbeck::cli {

class Session;

void AddUp(CLI::App& root, Session& session);
void AddEstimate(CLI::App& root, Session& session);
void AddVersion(CLI::App& root, Session& session);

void AddJobsCreate(CLI::App& jobs, Session& session);
void AddJobsInit(CLI::App& jobs, Session& session);
void AddJobsList(CLI::App& jobs, Session& session);
void AddJobsGet(CLI::App& jobs, Session& session);
void AddJobsWatch(CLI::App& jobs, Session& session);
void AddJobsWait(CLI::App& jobs, Session& session);
void AddJobsUpdate(CLI::App& jobs, Session& session);
void AddJobsPause(CLI::App& jobs, Session& session);
void AddJobsResume(CLI::App& jobs, Session& session);
void AddJobsCancel(CLI::App& jobs, Session& session);
void AddJobsRejections(CLI::App& jobs, Session& session);
void AddJobsReport(CLI::App& jobs, Session& session);
void AddJobsInvoice(CLI::App& jobs, Session& session);

void AddTeamsInvoice(CLI::App& teams, Session& session);

void AddDatasetsUpload(CLI::App& datasets, Session& session);
void AddDatasetsList(CLI::App& datasets, Session& session);

void AddTeachersList(CLI::App& teachers, Session& session);
void AddTeachersProbe(CLI::App& teachers, Session& session);

void AddStudentsList(CLI::App& students, Session& session);
void AddStudentsExport(CLI::App& students, Session& session);
void AddStudentsPredict(CLI::App& students, Session& session);

void AddCacheStats(CLI::App& cache, Session& session);
void AddCacheVerify(CLI::App& cache, Session& session);
void AddCacheAmbiguous(CLI::App& cache, Session& session);

}  // namespace limbeck::cli
