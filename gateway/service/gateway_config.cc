#include "gateway/service/gateway_config.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "base/config/yaml.h"
#include "base/error_details.h"
#include "base/grpc/server.h"
#include "base/grpc/server_config.h"
#include "base/kv/database_config.h"
#include "base/status.h"
#include "gateway/service/batch_options.h"
#include "gateway/service/quota_options.h"
#include "gateway/service/teacher_options.h"
#include "gateway/teachers/cost.h"
#include "gateway/teachers/registry.h"

namespace limbeck::gateway {
namespace {

constexpr uint32_t kDefaultMaxConcurrency = 32;
constexpr uint32_t kDefaultTimeoutSeconds = 120;
constexpr uint32_t kMaxTimeoutSeconds = 86'400;
constexpr uint32_t kDefaultMaxAttempts = 5;
constexpr uint32_t kMaxAttempts = 100;
constexpr size_t kMaxNameBytes = 100;
constexpr double kMinShareWeight = 0.001;
constexpr double kMaxShareWeight = 1000;
// Below the 30 s that Kubernetes waits.
constexpr uint32_t kDefaultDrainSeconds = 25;
constexpr uint32_t kMaxDrainSeconds = 3600;
constexpr absl::Duration kMaxIdle = absl::Seconds(120);

class Resolver {
 public:
  explicit Resolver(v1::LimbeckConfig file) { result_.file = std::move(file); }

  absl::StatusOr<GatewayConfig> Resolve() {
    FillDefaults();
    CheckDatabase();
    CheckPools();
    for (int i = 0; i < result_.file.teachers_size(); ++i) AddTeacher(i);
    CheckTeams();
    LIMBECK_RETURN_IF_ERROR(InvalidFields("the configuration", violations_));
    return std::move(result_);
  }

 private:
  void Fault(std::string field, std::string what) {
    violations_.push_back({std::move(field), std::move(what)});
  }

  void FillDefaults() {
    v1::LimbeckConfig& file = result_.file;
    const auto fill = [](std::string* field, const std::string& value) {
      if (field->empty()) *field = value;
    };
    fill(file.mutable_data_dir(), "limbeck-data");
    fill(file.mutable_gateway()->mutable_address(), "127.0.0.1:7400");
    fill(file.mutable_cache()->mutable_address(), "127.0.0.1:7401");
    fill(file.mutable_cache_target(), file.cache().address());
    fill(file.mutable_metrics_address(), "127.0.0.1:7410");
    if (!file.has_drain_seconds()) file.set_drain_seconds(kDefaultDrainSeconds);
    if (file.drain_seconds() > kMaxDrainSeconds) {
      Fault("drain_seconds",
            absl::StrCat("is ", file.drain_seconds(), "; expected 0 … ", kMaxDrainSeconds));
    }
    result_.drain_for = absl::Seconds(file.drain_seconds());
  }

  void CheckDatabase() {
    if (!result_.file.has_database()) return;
    for (auto& [field, what] : kv::FaultsOf(result_.file.database())) {
      Fault(absl::StrCat("database.", field), std::move(what));
    }
  }

  // Checks a name that is the key of a list.
  void CheckName(const std::string& path, const std::string& name, std::set<std::string>* seen) {
    if (name.empty()) return Fault(path, "is required");
    const bool allowed = std::all_of(name.begin(), name.end(), [](char c) {
      return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
    });
    if (!allowed || name.size() > kMaxNameBytes) {
      Fault(path, absl::StrCat("is not a name: use at most ", kMaxNameBytes,
                               " letters, digits, \"-\", \"_\" and \".\""));
    }
    if (!seen->insert(name).second) {
      Fault(path, absl::StrCat("\"", name, "\" is used more than once; names must be unique"));
    }
  }

  void CheckPools() {
    for (int i = 0; i < result_.file.quota_pools_size(); ++i) {
      const v1::QuotaPoolConfig& pool = result_.file.quota_pools(i);
      const std::string path = absl::StrCat("quota_pools[", i, "]");
      CheckName(path + ".name", pool.name(), &pool_names_);
      QuotaPoolOptions options;
      options.name = pool.name();
      for (FieldViolation& fault : SetQuotaOptions(pool, &options)) {
        Fault(absl::StrCat(path, ".", fault.field), std::move(fault.description));
      }
      result_.quota_pools.push_back(std::move(options));
    }
  }

  void CheckTeams() {
    if (result_.file.teams_size() == 0) result_.file.add_teams()->set_name("default");
    std::set<std::string> names;
    for (int i = 0; i < result_.file.teams_size(); ++i) {
      const v1::TeamConfig& team = result_.file.teams(i);
      const std::string path = absl::StrCat("teams[", i, "]");
      CheckName(path + ".name", team.name(), &names);
      if (team.ceiling_micro_usd() < 0) {
        Fault(path + ".ceiling_micro_usd", "is negative; 0 means no limit but the jobs' own");
      }
      if (team.month_ceiling_micro_usd() < 0) {
        Fault(path + ".month_ceiling_micro_usd", "is negative; 0 means no limit per month");
      }
      const double weight = team.has_share_weight() ? team.share_weight() : 1;
      if (!(weight >= kMinShareWeight && weight <= kMaxShareWeight)) {
        Fault(path + ".share_weight",
              absl::StrCat("is ", weight, "; expected ", kMinShareWeight, " … ", kMaxShareWeight));
      }
    }
    if (result_.file.teams_size() > 1) {
      Fault("teams", "a gateway serves one team: run one gateway for each, with the same cache");
    }
    result_.team = result_.file.teams(0).name();
    result_.team_ceiling_micro_usd = result_.file.teams(0).ceiling_micro_usd();
    result_.team_month_ceiling_micro_usd = result_.file.teams(0).month_ceiling_micro_usd();
    if (result_.file.teams(0).has_share_weight()) {
      result_.team_share_weight = result_.file.teams(0).share_weight();
    }
  }

  void AddTeacher(int index) {
    const v1::TeacherConfig& teacher = result_.file.teachers(index);
    const std::string path = absl::StrCat("teachers[", index, "]");
    ConfiguredTeacher made;
    TeacherConfig& config = made.config;
    CheckName(path + ".name", teacher.name(), &teacher_names_);
    config.name = teacher.name();
    config.kind = teacher.kind();
    config.model = teacher.model();
    config.revision = teacher.revision();
    if (config.model.empty()) Fault(path + ".model", "is required");
    SetPrices(path, teacher, &config);
    for (FieldViolation& fault : SetTeacherOptions(teacher, &config)) {
      Fault(absl::StrCat(path, ".", fault.field), std::move(fault.description));
    }
    SetUrl(path, teacher, &config);
    SetKind(path, teacher, &made);
    SetKey(path, teacher, &config);
    SetPool(path, teacher, &config);
    SetTrainingUse(path, teacher, &config);
    SetPatience(path, teacher, &made);
    made.facts.name = config.name;
    made.facts.trainable = config.training_use.has_value();
    made.facts.input_micro_usd_per_million = config.input_micro_usd_per_million;
    made.facts.output_micro_usd_per_million = config.output_micro_usd_per_million;
    made.facts.has_other_prices = HasPrice(config);
    result_.teachers.emplace(config.name, std::move(made));
  }

  void SetPrices(const std::string& path, const v1::TeacherConfig& teacher, TeacherConfig* config) {
    config->input_micro_usd_per_million = teacher.input_micro_usd_per_million();
    config->output_micro_usd_per_million = teacher.output_micro_usd_per_million();
    PriceTiers& tiers = config->price_tiers;
    tiers.request_micro_usd = teacher.request_micro_usd();
    if (teacher.has_cached_input_micro_usd_per_million()) {
      tiers.cached_input_micro_usd_per_million = teacher.cached_input_micro_usd_per_million();
    }
    if (teacher.has_long_context()) {
      const v1::LongContextPrices& given = teacher.long_context();
      LongContextPrices& tier = tiers.long_context.emplace();
      // A bound beyond what an int64 holds is never passed.
      tier.above_input_tokens =
          static_cast<int64_t>(std::min<uint64_t>(given.above_input_tokens(), INT64_MAX));
      tier.input_micro_usd_per_million = given.input_micro_usd_per_million();
      tier.output_micro_usd_per_million = given.output_micro_usd_per_million();
      if (given.has_cached_input_micro_usd_per_million()) {
        tier.cached_input_micro_usd_per_million = given.cached_input_micro_usd_per_million();
      }
    }
    for (FieldViolation& fault : CheckPrices(*config, path)) {
      violations_.push_back(std::move(fault));
    }
  }

  void SetKind(const std::string& path, const v1::TeacherConfig& teacher, ConfiguredTeacher* made) {
    const auto provider = FindProvider(teacher.kind());
    if (!provider.ok()) {
      const std::string message(ToStd(provider.status().message()));
      return Fault(path + ".kind", teacher.kind().empty() ? "is required; " + message : message);
    }
    made->provider = *provider;
    for (FieldViolation& fault : made->provider->CheckConfig(made->config)) {
      Fault(absl::StrCat(path, ".", fault.field), std::move(fault.description));
    }
    if (teacher.has_batch()) {
      for (FieldViolation& fault : SetBatchLimits(teacher.batch(), &made->config.batch.emplace())) {
        Fault(absl::StrCat(path, ".", fault.field), std::move(fault.description));
      }
      if (made->provider->batches() == nullptr) {
        Fault(path + ".batch",
              absl::StrCat("teachers of kind ", teacher.kind(), " take no batches; leave it out"));
      }
    }
    made->facts.sells_by_batch = teacher.has_batch();
    const Capabilities can = made->provider->CapabilitiesFor(made->config);
    if (teacher.has_logprobs() && teacher.logprobs() && !can.logprobs) {
      Fault(path + ".logprobs",
            absl::StrCat("teachers of kind ", teacher.kind(), " give no logprobs"));
    }
    made->facts.gives_top_logprobs =
        can.logprobs && (!teacher.has_logprobs() || teacher.logprobs());
    made->facts.scores_continuations = can.continuation_scoring;
    made->facts.follows_schema = can.schema;
    made->facts.holds_to_choices = can.choices;
    made->facts.honours_seed = can.seed;
    made->facts.max_answers_per_call = can.max_samples;
    if (teacher.has_answers_per_call()) SetAnswersPerCall(path, teacher, made);
    const uint32_t most =
        teacher.max_top_logprobs() == 0 ? can.usual_top_logprobs : teacher.max_top_logprobs();
    made->config.max_top_logprobs =
        made->facts.gives_top_logprobs ? std::min(most, can.max_top_logprobs) : 0;
    made->facts.max_top_logprobs = made->config.max_top_logprobs;
  }

  void SetAnswersPerCall(const std::string& path, const v1::TeacherConfig& teacher,
                         ConfiguredTeacher* made) {
    TeacherFacts& facts = made->facts;
    const uint32_t asked = teacher.answers_per_call();
    if (asked == 0 || asked > facts.max_answers_per_call) {
      return Fault(path + ".answers_per_call",
                   facts.max_answers_per_call == 1
                       ? absl::StrCat("is ", asked, ", but teachers of kind ", teacher.kind(),
                                      " give one answer per call; leave it out")
                       : absl::StrCat("is ", asked, "; expected 1 … ", facts.max_answers_per_call));
    }
    facts.answers_per_call = asked;
    // Whoever states 1 wants 1, whatever a probe sees.
    facts.max_answers_per_call = asked;
  }

  void SetUrl(const std::string& path, const v1::TeacherConfig& teacher, TeacherConfig* config) {
    std::string url = teacher.base_url();
    while (url.ends_with('/')) url.pop_back();
    config->base_url = url;
    const std::string field = path + ".base_url";
    if (url.empty()) return Fault(field, "is required, for example https://api.openai.com/v1");
    const bool plain = url.starts_with("http://");
    if (!plain && !url.starts_with("https://")) {
      return Fault(field, "must start with https:// (or http:// on this machine)");
    }
    if (url.find_first_of("@ \t\r\n?#") != std::string::npos) {
      return Fault(field, "must not contain user info, a query, a fragment or white space");
    }
    const std::string_view authority = UrlAuthority(url);
    if (authority.empty()) return Fault(field, "names no host");
    if (plain && !teacher.allow_plain_http() && !rpc::IsLoopbackAddress(WithPort(authority))) {
      Fault(field,
            "would send key and prompts in clear text: use https://, or set allow_plain_http in "
            "a network that you trust");
    }
  }

  // IsLoopbackAddress wants a port.
  static std::string WithPort(std::string_view authority) {
    const size_t colon = authority.rfind(':');
    const bool has_port = colon != authority.npos && authority.back() != ']';
    return has_port ? std::string(authority) : absl::StrCat(ToAbsl(authority), ":80");
  }

  void SetKey(const std::string& path, const v1::TeacherConfig& teacher, TeacherConfig* config) {
    if (!teacher.has_key()) return;
    auto key = rpc::ReadSecret(teacher.key());
    if (!key.ok()) return Fault(path + ".key", std::string(ToStd(key.status().message())));
    config->api_key = *std::move(key);
  }

  void SetPool(const std::string& path, const v1::TeacherConfig& teacher, TeacherConfig* config) {
    if (!teacher.quota_pool().empty()) {
      config->quota_pool = teacher.quota_pool();
      const auto pool = std::find_if(
          result_.quota_pools.begin(), result_.quota_pools.end(),
          [&](const QuotaPoolOptions& options) { return options.name == teacher.quota_pool(); });
      if (pool == result_.quota_pools.end()) {
        return Fault(path + ".quota_pool",
                     absl::StrCat("no pool \"", teacher.quota_pool(), "\" in quota_pools"));
      }
      config->limits = *pool;
      return;
    }
    // "/" cannot be in a configured name.
    config->quota_pool = absl::StrCat("teacher/", teacher.name());
    QuotaPoolOptions own;
    own.name = config->quota_pool;
    own.max_concurrent = kDefaultMaxConcurrency;
    config->limits = own;
    result_.quota_pools.push_back(std::move(own));
  }

  void SetTrainingUse(const std::string& path, const v1::TeacherConfig& teacher,
                      TeacherConfig* config) {
    if (!teacher.has_training_use()) return;
    const v1::TrainingUse& use = teacher.training_use();
    const std::string prefix = path + ".training_use.";
    TrainingUse made;
    made.basis = BasisName(use.basis());
    made.evidence = use.evidence();
    made.reviewed_on = use.reviewed_on();
    if (made.basis.empty()) {
      Fault(prefix + "basis",
            "is required: BASIS_OWN_MODEL, BASIS_OPEN_LICENCE, BASIS_PROVIDER_PROGRAMME or "
            "BASIS_WRITTEN_CONSENT; without a basis leave training_use out");
    }
    if (absl::StripAsciiWhitespace(made.evidence).empty()) {
      Fault(prefix + "evidence", "is required: name or link of licence, programme or consent");
    }
    absl::CivilDay day;
    if (made.reviewed_on.size() != 10 || !absl::ParseCivilTime(made.reviewed_on, &day)) {
      Fault(prefix + "reviewed_on", "is not a day; expected YYYY-MM-DD");
    }
    config->training_use = std::move(made);
  }

  static std::string BasisName(v1::TrainingUse::Basis basis) {
    switch (basis) {
      case v1::TrainingUse::BASIS_OWN_MODEL:
        return "own model";
      case v1::TrainingUse::BASIS_OPEN_LICENCE:
        return "open licence";
      case v1::TrainingUse::BASIS_PROVIDER_PROGRAMME:
        return "provider's programme";
      case v1::TrainingUse::BASIS_WRITTEN_CONSENT:
        return "consent";
      default:
        return "";
    }
  }

  void SetPatience(const std::string& path, const v1::TeacherConfig& teacher,
                   ConfiguredTeacher* made) {
    const uint32_t seconds =
        teacher.timeout_seconds() == 0 ? kDefaultTimeoutSeconds : teacher.timeout_seconds();
    if (seconds > kMaxTimeoutSeconds) {
      Fault(path + ".timeout_seconds", absl::StrCat("is above ", kMaxTimeoutSeconds));
    }
    made->config.timeouts.total = absl::Seconds(seconds);
    made->config.timeouts.idle = std::min(made->config.timeouts.total, kMaxIdle);
    // An answer that is not streamed comes all at once, however long the model thinks.
    if (!made->config.stream) made->config.timeouts.first_byte = made->config.timeouts.total;
    made->max_attempts = teacher.max_attempts() == 0 ? kDefaultMaxAttempts : teacher.max_attempts();
    if (made->max_attempts > kMaxAttempts) {
      Fault(path + ".max_attempts", absl::StrCat("is above ", kMaxAttempts));
    }
  }

  GatewayConfig result_;
  std::vector<FieldViolation> violations_;
  std::set<std::string> pool_names_;
  std::set<std::string> teacher_names_;
};

}  // namespace

TeacherCatalog GatewayConfig::Catalog() const {
  TeacherCatalog catalog;
  for (const auto& [name, teacher] : teachers) catalog.emplace(name, teacher.facts);
  return catalog;
}

absl::StatusOr<GatewayConfig> ResolveGatewayConfig(v1::LimbeckConfig file) {
  return Resolver(std::move(file)).Resolve();
}

absl::StatusOr<GatewayConfig> LoadGatewayConfig(const std::string& path) {
  v1::LimbeckConfig file;
  LIMBECK_RETURN_IF_ERROR(config::ReadYamlFile(path, &file));
  return ResolveGatewayConfig(std::move(file));
}

std::string_view UrlAuthority(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == url.npos) return {};
  url.remove_prefix(scheme + 3);
  return url.substr(0, url.find('/'));
}

}  // namespace limbeck::gateway
