#include "gateway/jobs/job_test_world.h"

#include <gtest/gtest.h>

#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/bounded_queue.h"
#include "base/hash.h"
#include "base/kv/open.h"
#include "gateway/teachers/registry.h"

namespace limbeck::gateway {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr char kVersion[] = "test";

cache::CacheNodeOptions MemoryCache() {
  cache::CacheNodeOptions options;
  options.engine.driver = "memory";
  return options;
}

}  // namespace

// Answers each assignment with one file and a report, from a thread of its own.
class JobWorld::Worker : public WorkerLink {
 public:
  explicit Worker(Coordinator* coordinator) : coordinator_(coordinator), queue_(100) {}
  ~Worker() override {
    queue_.Close();
    if (thread_.joinable()) thread_.join();
  }

  void Join(const std::shared_ptr<Worker>& self, const std::string& id) {
    v1::WorkRequest::Register registration;
    registration.set_worker_id(id);
    registration.set_version(kVersion);
    // The coordinator's copy must not keep the worker alive: its thread joins in the destructor.
    session_ =
        coordinator_->Register(registration, std::shared_ptr<WorkerLink>(self.get(), [](auto*) {}))
            .value();
    thread_ = std::thread([this] {
      while (const auto assignment = queue_.Pop()) Train(*assignment);
    });
  }
  void Send(const v1::WorkResponse& message) override {
    if (message.has_assignment()) queue_.Push(message.assignment());
  }
  void ReadNext() override {}
  void Close(const absl::Status&) override {}

 private:
  void Train(const v1::WorkResponse::Assignment& assignment) {
    if (assignment.rank() == 0) {
      v1::WorkRequest message;
      v1::WorkRequest::TrainProgress* progress = message.mutable_progress();
      progress->set_generation(assignment.generation());
      progress->set_phase(v1::PHASE_KIND_TRAIN);
      progress->set_step(10);
      progress->set_steps_total(10);
      coordinator_->Receive(session_, message);
      v1::ArtifactChunk* chunk = message.mutable_artifact()->mutable_chunk();
      message.mutable_artifact()->set_generation(assignment.generation());
      chunk->set_name("model.safetensors");
      chunk->set_data("weights");
      chunk->set_last(true);
      chunk->set_sha256(Sha256("weights"));
      coordinator_->Receive(session_, message);
      message.mutable_report()->set_generation(assignment.generation());
      message.mutable_report()->mutable_report()->set_verdict(v1::VERDICT_ACCEPT);
      *message.mutable_report()->mutable_report()->mutable_data_facts() = assignment.data_facts();
      coordinator_->Receive(session_, message);
    }
    v1::WorkRequest ended;
    ended.mutable_ended()->set_generation(assignment.generation());
    ended.mutable_ended()->set_outcome(v1::WorkRequest::Ended::OUTCOME_DONE);
    coordinator_->Receive(session_, ended);
  }

  Coordinator* const coordinator_;
  BoundedQueue<v1::WorkResponse::Assignment> queue_;
  uint64_t session_ = 0;
  std::thread thread_;
};

JobWorld::JobWorld(JobWorldOptions options) : options_(std::move(options)), cache_(MemoryCache()) {
  testing::FakeTeacherOptions teacher;
  teacher.kind = options_.kind;
  teacher.script = testing::ParseScript(options_.script).value();
  teacher.script.language.labels = {"good", "bad"};
  teacher.script.language.keywords = {{"good", "good"}, {"bad", "bad"}};
  teacher_ = testing::FakeTeacher::Start(teacher).value();
  harvest_.retry = {.initial = absl::Milliseconds(10), .max = absl::Milliseconds(100)};
  harvest_.progress_interval = absl::Milliseconds(20);
  StartGateway();
}

JobWorld::~JobWorld() { StopGateway(); }

void JobWorld::StartGateway() {
  client_ = cache_.NewClient({.deadline = absl::Seconds(2)});
  transport_ = http::NewCurlTransport({}).value();
  JobTeacher teacher;
  teacher.config.name = "fake";
  teacher.config.kind = options_.kind;
  teacher.config.base_url = teacher_->base_url();
  teacher.config.model = "m";
  teacher.config.input_micro_usd_per_million = options_.input_price;
  teacher.config.output_micro_usd_per_million = options_.output_price;
  teacher.config.limits.max_concurrent = options_.max_concurrent;
  teacher.facts = {.name = "fake",
                   .gives_top_logprobs = options_.top_logprobs,
                   .trainable = options_.trainable,
                   .input_micro_usd_per_million = options_.input_price,
                   .output_micro_usd_per_million = options_.output_price,
                   .scores_continuations = options_.scores_continuations || options_.kind == "vllm",
                   .follows_schema = true,
                   .holds_to_choices = (*FindProvider(options_.kind))->capabilities().choices,
                   .answers_per_call = options_.answers_per_call};
  teacher.config.batch = options_.batch;
  teacher.facts.sells_by_batch = options_.batch.has_value();
  pool_ = std::make_unique<QuotaPool>(teacher.config.limits, Clock::Real());
  TeacherClientOptions client_options;
  client_options.dispatch.retry.backoff = {.initial = absl::Milliseconds(2),
                                           .max = absl::Milliseconds(50)};
  client_options.dispatch.retry.budget = {.initial = 100'000, .max_saved = 100'000};
  client_options.dispatch.retry.max_tries = options_.max_tries;
  const Provider* provider = *FindProvider(options_.kind);
  if (options_.scores_continuations) provider = &scoring_;
  if (options_.gives_several_answers) provider = &several_;
  asker_ = TeacherClient::Create(teacher.config, provider, pool_.get(), transport_.get(),
                                 client_options);
  teacher.client = asker_.get();
  teacher.provider = provider;
  teachers_["fake"] = teacher;

  std::vector<std::string> tables = JobStore::Tables();
  for (const auto& more : {DatasetStore::Tables(), BatchStore::Tables()}) {
    tables.insert(tables.end(), more.begin(), more.end());
  }
  engine_ = kv::Open({.path = (directory_.path() / "kv").string(), .tables = tables}).value();
  store_ = std::make_unique<JobStore>(engine_.get(), Clock::Real());
  batches_ = std::make_unique<BatchStore>(engine_.get());
  datasets_ =
      DatasetStore::Open({.directory = directory_.path() / "datasets"}, engine_.get()).value();
  artifacts_ = ArtifactStore::Open({.directory = directory_.path() / "artifacts"}).value();
  CoordinatorOptions coordination;
  coordination.version = kVersion;
  coordination.group_linger = absl::ZeroDuration();
  coordination.heartbeat = absl::Hours(1);
  coordinator_ = std::make_unique<Coordinator>(coordination, Clock::Real());

  JobContext context;
  context.store = store_.get();
  context.datasets = datasets_.get();
  context.artifacts = artifacts_.get();
  context.cache = client_.get();
  context.teachers = &teachers_;
  context.coordinator = coordinator_.get();
  context.transport = transport_.get();
  context.batches = batches_.get();
  context.cache_address = cache_.target();
  context.data_dir = directory_.path().string();
  context.harvest = harvest_;
  context.drain_for = options_.drain_for;
  manager_ = JobManager::Open(context).value();
  EXPECT_TRUE(manager_->Start().ok());
}

void JobWorld::StopGateway() {
  if (manager_ == nullptr) return;
  manager_->Stop();
  manager_.reset();
  // Workers use the coordinator from their threads, and it uses them until it shuts down.
  coordinator_->Shutdown();
  workers_.clear();
  coordinator_.reset();
  asker_->Shutdown();
  transport_.reset();
  asker_.reset();
  artifacts_.reset();
  datasets_.reset();
  batches_.reset();
  store_.reset();
  engine_.reset();
}

std::string JobWorld::Upload(int rows, const std::vector<std::string>& extra) {
  std::string file;
  for (int i = 0; i < rows; ++i) {
    const char* label = i % 2 == 0 ? "good" : "bad";
    absl::StrAppend(&file, R"({"text": "gloss )", i, " ", label, R"(", "label": ")", label,
                    "\"}\n");
  }
  for (const std::string& line : extra) absl::StrAppend(&file, line, "\n");
  v1::UploadDatasetRequest::Header header;
  header.set_sha256(Sha256Hex(file));
  header.set_format(v1::DATASET_FORMAT_JSONL);
  auto upload = datasets_->Begin(header).value();
  EXPECT_TRUE(upload->Append(file).ok());
  return upload->Finish().value().id();
}

v1::JobSpec JobWorld::Spec(const std::string& dataset_id) const {
  v1::JobSpec spec;
  spec.mutable_data()->mutable_train()->set_id(dataset_id);
  spec.mutable_data()->mutable_prompt()->set_user(
      "Is this one of: good, bad.\nText: {{ text }}\nAnswer:");
  spec.add_teachers()->set_teacher("fake");
  spec.mutable_task()->mutable_classify()->add_labels()->set_name("good");
  spec.mutable_task()->mutable_classify()->add_labels()->set_name("bad");
  spec.mutable_budget()->set_ceiling_micro_usd(1'000'000'000);
  return spec;
}

absl::StatusOr<v1::DistillationJob> JobWorld::Create(const v1::JobSpec& spec,
                                                     const std::string& request_id) {
  v1::CreateDistillationJobRequest request;
  *request.mutable_spec() = spec;
  request.set_request_id(request_id);
  return manager_->Create(request);
}

v1::DistillationJob JobWorld::Await(const std::string& id,
                                    const std::function<bool(const v1::DistillationJob&)>& wanted) {
  const absl::Time end = absl::Now() + kPatience;
  while (true) {
    const v1::DistillationJob job = store_->Get(id).value();
    if (wanted(job)) return job;
    if (absl::Now() > end) {
      ADD_FAILURE() << "the job is " << job.ShortDebugString();
      return job;
    }
    store_->WaitForEvent(id, job.revision(), absl::Seconds(1));
  }
}

v1::DistillationJob JobWorld::AwaitState(const std::string& id, v1::JobState state) {
  return Await(id, [&](const v1::DistillationJob& job) { return job.state() == state; });
}

void JobWorld::AwaitNoThreads() {
  const absl::Time end = absl::Now() + kPatience;
  while (manager_->running() > 0 && absl::Now() < end) std::this_thread::yield();
  EXPECT_EQ(manager_->running(), 0u);
}

void JobWorld::AddWorker() {
  workers_.push_back(std::make_shared<Worker>(coordinator_.get()));
  workers_.back()->Join(workers_.back(), absl::StrCat("w", workers_.size()));
}

std::vector<cache::StreamItem> JobWorld::ReadSnapshot(const std::string& snapshot_id) {
  auto stream = client_->Stream({.snapshot_id = snapshot_id, .sequential = true});
  EXPECT_TRUE(stream.ok()) << stream.status();
  std::vector<cache::StreamItem> items;
  while (stream.ok()) {
    auto item = (*stream)->Next();
    if (!item.ok()) {
      EXPECT_TRUE(absl::IsOutOfRange(item.status())) << item.status();
      break;
    }
    items.push_back(*std::move(item));
  }
  return items;
}

cache::AccountState JobWorld::Spend(const std::string& job_id) {
  const auto accounts = client_->GetSpend({JobAccount(job_id)}).value();
  return accounts.empty() ? cache::AccountState{} : accounts.front();
}

}  // namespace limbeck::gateway
