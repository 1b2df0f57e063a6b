// limbeck-trainer: a worker that trains students, and what labels texts with a finished one.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <thread>

#include "base/file.h"
#include "base/grpc/channel.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/status.h"
#include "base/version.h"
#include "trainer/students/compute_threads.h"
#include "trainer/worker/predict.h"
#include "trainer/worker/worker.h"

namespace {

using namespace limbeck;

struct WorkFlags {
  std::string gateway = "127.0.0.1:7400";
  std::string worker_id;
  std::string work_dir = "limbeck-trainer";
  std::string host = "127.0.0.1";
  int threads = 1;
  double checkpoint_min_seconds =
      absl::ToDoubleSeconds(trainer::WorkerSettings().checkpoint_min_interval);
  double checkpoint_max_seconds =
      absl::ToDoubleSeconds(trainer::WorkerSettings().checkpoint_max_interval);
  std::string token_file;
  std::string ca_file;
  bool tls = false;
};

struct PredictFlags {
  std::string student;
  bool json = false;
  int threads = 1;
};

// libgomp reads this when it is loaded, before main; spinning threads would take the other
// workers' processors.
void PreferPassiveWaiting(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  ::setenv("OMP_WAIT_POLICY", "passive", 1);
  ::execv("/proc/self/exe", argv);
}

// Signals reach a thread through a pipe: libraries under Torch start threads before main, so that
// blocking the signals for sigwait would come too late.
int stop_pipe[2] = {-1, -1};
constexpr char kSignalled = 's';
constexpr char kRunEnded = 'e';

void WriteStop(char why) {
  [[maybe_unused]] const ssize_t written = ::write(stop_pipe[1], &why, 1);
}

absl::Status CatchStopSignals() {
  if (::pipe2(stop_pipe, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "make a pipe");
  struct sigaction action = {};
  action.sa_handler = [](int) { WriteStop(kSignalled); };
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGTERM, SIGINT}) {
    if (::sigaction(signal, &action, nullptr) != 0) {
      return absl::ErrnoToStatus(errno, "catch signals");
    }
  }
  return absl::OkStatus();
}

char AwaitStopSignal() {
  char why = kRunEnded;
  while (::read(stop_pipe[0], &why, 1) < 0 && errno == EINTR) {
  }
  return why;
}

std::string DefaultWorkerId() {
  char name[256] = "worker";
  ::gethostname(name, sizeof(name) - 1);
  return std::string(name) + "-" + std::to_string(::getpid());
}

absl::StatusOr<rpc::ChannelOptions> ChannelOf(const WorkFlags& flags) {
  rpc::ChannelOptions options;
  options.tls = flags.tls || !flags.ca_file.empty();
  options.tls_ca_file = flags.ca_file;
  if (!flags.token_file.empty()) {
    LIMBECK_ASSIGN_OR_RETURN(options.token, Secret::FromFile(flags.token_file));
  }
  return options;
}

absl::Status Work(const WorkFlags& flags) {
  LIMBECK_RETURN_IF_ERROR(CatchStopSignals());
  trainer::WorkerOptions options;
  LIMBECK_ASSIGN_OR_RETURN(options.cache_channel, ChannelOf(flags));
  LIMBECK_ASSIGN_OR_RETURN(const auto channel,
                           rpc::NewChannel(flags.gateway, options.cache_channel));
  options.worker_id = flags.worker_id.empty() ? DefaultWorkerId() : flags.worker_id;
  options.settings = {
      .work_dir = flags.work_dir,
      .host = flags.host,
      .threads = flags.threads,
      .checkpoint_min_interval = absl::Seconds(flags.checkpoint_min_seconds),
      .checkpoint_max_interval = absl::Seconds(flags.checkpoint_max_seconds),
  };
  LIMBECK_RETURN_IF_ERROR(MakeDirectories(flags.work_dir));
  trainer::SetComputeThreads(flags.threads);
  trainer::Worker worker(options, channel, Clock::Real());
  std::cout << "limbeck-trainer " << options.worker_id << " works for " << flags.gateway
            << std::endl;
  std::thread waiter([&worker] {
    if (AwaitStopSignal() == kRunEnded) return;
    LIMBECK_LOG(INFO) << "stopping on a signal";
    worker.Stop();
  });
  const absl::Status status = worker.Run();
  WriteStop(kRunEnded);
  waiter.join();
  return status;
}

void AddWork(CLI::App& app, WorkFlags* flags) {
  CLI::App* work = app.add_subcommand("work", "Train what the gateway assigns, until stopped");
  work->add_option("--gateway", flags->gateway, "host:port of the gateway")->capture_default_str();
  work->add_option("--worker-id", flags->worker_id,
                   "Stable, unique name (default: host name and process number)");
  work->add_option("--work-dir", flags->work_dir, "Folder of checkpoints; safe to remove")
      ->capture_default_str();
  work->add_option("--host", flags->host, "Address at which the other workers reach this one")
      ->capture_default_str();
  work->add_option("--threads", flags->threads, "Threads of the student's arithmetic")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  work->add_option("--checkpoint-min-seconds", flags->checkpoint_min_seconds,
                   "Time between checkpoints, at least; method.checkpoint_steps counts beside it")
      ->check(CLI::Range(0.0, 86400.0))
      ->capture_default_str();
  work->add_option("--checkpoint-max-seconds", flags->checkpoint_max_seconds,
                   "Time after which a checkpoint is written however few steps were made")
      ->check(CLI::Range(0.1, 86400.0))
      ->capture_default_str();
  work->add_option("--token-file", flags->token_file, "File with the token that servers ask for");
  work->add_flag("--tls", flags->tls, "Speak TLS to gateway and cache");
  work->add_option("--ca-file", flags->ca_file, "PEM file of the authorities; implies --tls");
  work->footer(
      "Reconnects when the gateway goes away. SIGTERM writes a checkpoint and ends.\n"
      "Exit status: 0 stopped, 1 the gateway will never take this worker, 2 wrong command line.\n\n"
      "Example:\n  limbeck-trainer work --gateway 127.0.0.1:7400 --worker-id w1 --work-dir "
      "/var/tmp/w1");
}

void AddPredict(CLI::App& app, PredictFlags* flags) {
  CLI::App* predict = app.add_subcommand("predict", "Label texts, one a line on standard input");
  predict->add_option("--student", flags->student, "Folder of a finished student")->required();
  predict->add_flag("--json", flags->json, "One JSON object a line with all probabilities");
  predict->add_option("--threads", flags->threads, "Threads of the student's arithmetic")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  predict->footer(
      "Output: label, probability and text, separated by tabs.\n"
      "Exit status: 0 answered, 1 the student cannot be read, 2 wrong command line.\n\n"
      "Example:\n  echo 'a port in Italy' | limbeck-trainer predict --student my-student");
}

}  // namespace

int main(int argc, char** argv) {
  PreferPassiveWaiting(argv);
  CLI::App app("Trains students for Limbeck and labels texts with them", "limbeck-trainer");
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string(kVersion));
  WorkFlags work;
  PredictFlags predict;
  AddWork(app, &work);
  AddPredict(app, &predict);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  absl::Status status;
  if (app.got_subcommand("work")) {
    status = Work(work);
  } else {
    trainer::SetComputeThreads(predict.threads);
    status = trainer::Predict(predict.student, predict.json, std::cin, std::cout);
  }
  if (status.ok()) return 0;
  std::cerr << "limbeck-trainer: " << status.message() << std::endl;
  return 1;
}
