#include "gateway/service/gateway_node.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/grpc/channel.h"
#include "base/grpc/server_config.h"
#include "base/hash.h"
#include "base/kv/database_config.h"
#include "base/kv/open.h"
#include "base/log.h"
#include "base/status.h"
#include "base/version.h"
#include "cache/client/grpc_cache_client.h"
#include "gateway/service/teacher_capability.h"

namespace limbeck::gateway {
namespace {

constexpr size_t kNameBytes = 8;

// What claims call this gateway: drawn once, then kept beside its jobs.
absl::StatusOr<std::string> StableName(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / "name";
  auto stored = ReadFile(path);
  if (stored.ok() && !stored->empty()) return stored;
  if (!stored.ok() && !absl::IsNotFound(stored.status())) return stored.status();
  const std::string name = absl::StrCat("gateway-", HexEncode(RandomBytes(kNameBytes)));
  LIMBECK_RETURN_IF_ERROR(WriteFileDurably(path, name));
  return name;
}

std::vector<std::string> Tables() {
  std::vector<std::string> tables = JobStore::Tables();
  for (const auto& more : {BatchStore::Tables(), DatasetStore::Tables(), TeacherProbe::Tables(),
                           SharedQuota::Tables()}) {
    tables.insert(tables.end(), more.begin(), more.end());
  }
  return tables;
}

}  // namespace

absl::StatusOr<std::unique_ptr<GatewayNode>> GatewayNode::Start(const v1::LimbeckConfig& config,
                                                                metrics::Registry* registry,
                                                                const GatewayNodeOptions& options) {
  LIMBECK_ASSIGN_OR_RETURN(GatewayConfig resolved, ResolveGatewayConfig(config));
  std::unique_ptr<GatewayNode> node(new GatewayNode(std::move(resolved), options));
  LIMBECK_RETURN_IF_ERROR(node->OpenStores());
  LIMBECK_RETURN_IF_ERROR(node->ConnectCache());
  LIMBECK_RETURN_IF_ERROR(node->OpenJobs(registry));
  LIMBECK_RETURN_IF_ERROR(node->Serve());
  // Only now, so that a gateway that cannot listen sends nothing.
  LIMBECK_RETURN_IF_ERROR(node->jobs_->Start());
  return node;
}

absl::Status GatewayNode::OpenStores() {
  const std::filesystem::path directory =
      std::filesystem::path(config_.file.data_dir()) / "gateway";
  LIMBECK_RETURN_IF_ERROR(MakeDirectories(directory));
  kv::OpenOptions kv_options;
  kv_options.driver = options_.engine;
  kv_options.path = (directory / "kv").string();
  kv_options.tables = Tables();
  LIMBECK_ASSIGN_OR_RETURN(engine_, kv::Open(kv_options));
  const bool shares = std::any_of(config_.quota_pools.begin(), config_.quota_pools.end(),
                                  [](const QuotaPoolOptions& pool) { return pool.shared; });
  if (shares && config_.file.has_database()) {
    LIMBECK_ASSIGN_OR_RETURN(kv::OpenOptions database, kv::ToOpenOptions(config_.file.database()));
    database.tables = SharedQuota::Tables();
    LIMBECK_ASSIGN_OR_RETURN(database_, kv::Open(database));
  }
  LIMBECK_ASSIGN_OR_RETURN(name_, StableName(directory));
  store_ = std::make_unique<JobStore>(engine_.get(), options_.clock);
  batches_ = std::make_unique<BatchStore>(engine_.get());
  DatasetStoreOptions dataset_options;
  dataset_options.directory = directory / "datasets";
  LIMBECK_ASSIGN_OR_RETURN(datasets_, DatasetStore::Open(dataset_options, engine_.get()));
  ArtifactStoreOptions artifact_options;
  artifact_options.directory = directory / "students";
  LIMBECK_ASSIGN_OR_RETURN(artifacts_, ArtifactStore::Open(artifact_options));
  return absl::OkStatus();
}

absl::Status GatewayNode::ConnectCache() {
  const v1::ServerSecurity& security = config_.file.cache().security();
  rpc::ChannelOptions channel;
  channel.tls = !security.certificate_file().empty();
  if (security.has_token()) {
    LIMBECK_ASSIGN_OR_RETURN(channel.token, rpc::ReadSecret(security.token()));
  }
  cache::CacheClientOptions client;
  client.clock = options_.clock;
  LIMBECK_ASSIGN_OR_RETURN(cache_,
                           cache::NewCacheClient(config_.file.cache_target(), channel, client));
  return absl::OkStatus();
}

absl::Status GatewayNode::OpenJobs(metrics::Registry* registry) {
  http::Transport* transport = options_.transport;
  if (transport == nullptr) {
    LIMBECK_ASSIGN_OR_RETURN(transport_, http::NewCurlTransport({}));
    transport = transport_.get();
  }
  TeacherSet::Options teachers;
  teachers.jitter_seed = Xxh3(name_);
  teachers.engine = database_ != nullptr ? database_.get() : engine_.get();
  teachers.holder = absl::StrCat(name_, "/", HexEncode(RandomBytes(kNameBytes)));
  teachers.registry = registry;
  teachers_ = std::make_unique<TeacherSet>(config_, transport, options_.clock, teachers);
  probe_ = std::make_unique<TeacherProbe>(engine_.get(), transport, options_.clock, registry);
  CoordinatorOptions coordination = options_.coordination;
  coordination.name = name_;
  coordination.version = std::string(kVersion);
  coordinator_ = std::make_unique<Coordinator>(coordination, options_.clock);
  for (const auto& [name, teacher] : teachers_->teachers()) {
    job_teachers_[name] = {teacher.configured.config, teacher.configured.facts,
                           teacher.client.get(), teacher.configured.provider};
  }
  JobContext context;
  context.store = store_.get();
  context.datasets = datasets_.get();
  context.artifacts = artifacts_.get();
  context.cache = cache_.get();
  context.teachers = &job_teachers_;
  context.coordinator = coordinator_.get();
  context.transport = transport;
  context.batches = batches_.get();
  context.clock = options_.clock;
  context.registry = registry;
  context.gateway_name = name_;
  context.team = config_.team;
  context.domain = absl::StrCat("team/", config_.team);
  context.team_ceiling_micro_usd = config_.team_ceiling_micro_usd;
  context.team_month_ceiling_micro_usd = config_.team_month_ceiling_micro_usd;
  context.team_share_weight = config_.team_share_weight;
  context.apply_probe = [this](TeacherFacts* facts) {
    const auto seen = probe_->Last(facts->name);
    if (seen.ok() && seen->has_value()) {
      ApplyCapability(**seen, options_.clock->WallNow(), facts);
    }
  };
  context.drain_for = config_.drain_for;
  context.cache_address = config_.file.cache_target();
  context.data_dir = config_.file.data_dir();
  LIMBECK_ASSIGN_OR_RETURN(jobs_, options_.jobs(context));
  return absl::OkStatus();
}

absl::Status GatewayNode::Serve() {
  DistillationParts parts;
  parts.jobs = jobs_.get();
  parts.store = store_.get();
  parts.artifacts = artifacts_.get();
  parts.cache = cache_.get();
  parts.team = config_.team;
  distillation_ = std::make_unique<DistillationServiceImpl>(parts, options_.distillation);
  dataset_service_ = std::make_unique<DatasetServiceImpl>(datasets_.get());
  teacher_service_ = std::make_unique<TeacherServiceImpl>(teachers_.get(), probe_.get());
  worker_service_ = std::make_unique<WorkerService>(coordinator_.get());
  LIMBECK_ASSIGN_OR_RETURN(const rpc::ServerOptions options,
                           rpc::ToServerOptions(config_.file.gateway()));
  LIMBECK_ASSIGN_OR_RETURN(
      server_, rpc::Server::Start(options, {distillation_.get(), dataset_service_.get(),
                                            teacher_service_.get(), worker_service_.get()}));
  return absl::OkStatus();
}

void GatewayNode::Shutdown(absl::Duration grace) {
  const SteadyTime start = options_.clock->Now();
  if (server_ != nullptr) server_->SetServing("", false);
  if (distillation_ != nullptr) distillation_->StopWatches();
  if (jobs_ != nullptr) jobs_->Stop();
  if (teachers_ != nullptr) teachers_->Shutdown();
  if (coordinator_ != nullptr) coordinator_->Shutdown();
  if (server_ != nullptr) {
    const absl::Duration used = options_.clock->Now() - start;
    server_->Shutdown(std::max(absl::ZeroDuration(), grace - used));
  }
}

GatewayNode::~GatewayNode() {
  Shutdown(absl::ZeroDuration());
  server_.reset();
  jobs_.reset();
  // Clients wait for what is on the way; without a transport nothing is.
  transport_.reset();
}

}  // namespace limbeck::gateway
