#include "gateway/service/gateway_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "base/config/yaml.h"
#include "base/error_details.h"
#include "base/file.h"

namespace limbeck::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

absl::StatusOr<GatewayConfig> Resolve(std::string_view yaml) {
  v1::LimbeckConfig file;
  const absl::Status parsed = config::ParseYaml(yaml, "limbeck.yaml", &file);
  EXPECT_TRUE(parsed.ok()) << parsed;
  return ResolveGatewayConfig(std::move(file));
}

std::vector<std::string> FaultyFields(const absl::Status& status) {
  std::vector<std::string> fields;
  for (const FieldViolation& fault : GetFieldViolations(status)) fields.push_back(fault.field);
  return fields;
}

TEST(GatewayConfigTest, EmptyFileGetsDefaults) {
  const auto config = Resolve("");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->file.gateway().address(), "127.0.0.1:7400");
  EXPECT_EQ(config->file.cache_target(), "127.0.0.1:7401");
  EXPECT_EQ(config->file.metrics_address(), "127.0.0.1:7410");
  EXPECT_EQ(config->team, "default");
  EXPECT_EQ(config->team_ceiling_micro_usd, 0);
  EXPECT_TRUE(config->teachers.empty());
}

TEST(GatewayConfigTest, SoundTeacherIsResolvedWithItsPool) {
  const auto config = Resolve(R"(
teachers:
  - name: open
    kind: openai
    base_url: http://127.0.0.1:8080/v1/
    model: small
    quota_pool: shared
    input_micro_usd_per_million: 20
    training_use: {basis: BASIS_OPEN_LICENCE, evidence: Apache-2.0, reviewed_on: "2026-11-24"}
  - name: closed
    kind: anthropic
    base_url: https://api.example.com
    model: large
    max_attempts: 2
quota_pools:
  - {name: shared, requests_per_minute: 60, max_concurrency: 3}
)");
  ASSERT_TRUE(config.ok()) << config.status();
  const ConfiguredTeacher& open = config->teachers.at("open");
  EXPECT_EQ(open.config.base_url, "http://127.0.0.1:8080/v1");
  EXPECT_EQ(open.config.timeouts.total, absl::Seconds(120));
  EXPECT_EQ(open.config.training_use->basis, "open licence");
  EXPECT_EQ(open.max_attempts, 5u);
  EXPECT_EQ(open.config.limits.max_concurrent, 3u);
  EXPECT_TRUE(open.facts.gives_top_logprobs);
  EXPECT_TRUE(open.facts.trainable);
  EXPECT_TRUE(open.facts.has_price());
  const ConfiguredTeacher& closed = config->teachers.at("closed");
  EXPECT_FALSE(closed.facts.gives_top_logprobs);
  EXPECT_FALSE(closed.facts.trainable);
  EXPECT_EQ(closed.max_attempts, 2u);
  std::vector<std::string> pools;
  for (const QuotaPoolOptions& pool : config->quota_pools) pools.push_back(pool.name);
  EXPECT_THAT(pools, ElementsAre("shared", "teacher/closed"));
  EXPECT_EQ(closed.config.limits.max_concurrent, 32u);
  EXPECT_EQ(config->quota_pools[0].max_concurrent, 3u);
  EXPECT_EQ(config->quota_pools[0].requests_per_minute, 60);
}

TEST(GatewayConfigTest, PriceTiersAndMonthsAreResolved) {
  const auto config = Resolve(R"(
teachers:
  - name: big
    kind: openai
    base_url: https://api.example.com/v1
    model: m
    input_micro_usd_per_million: 2500000
    cached_input_micro_usd_per_million: 250000
    request_micro_usd: 3
    long_context: {above_input_tokens: 200000, input_micro_usd_per_million: 5000000,
                   output_micro_usd_per_million: 15000000}
  - {name: by_request, kind: openai, base_url: "https://api.example.com/v1", model: m,
     request_micro_usd: 3}
teams:
  - {name: a, ceiling_micro_usd: 500, month_ceiling_micro_usd: 50}
)");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->team_month_ceiling_micro_usd, 50);
  const PriceTiers& tiers = config->teachers.at("big").config.price_tiers;
  EXPECT_EQ(tiers.cached_input_micro_usd_per_million, 250'000);
  EXPECT_EQ(tiers.request_micro_usd, 3);
  ASSERT_TRUE(tiers.long_context.has_value());
  EXPECT_EQ(tiers.long_context->above_input_tokens, 200'000);
  EXPECT_EQ(tiers.long_context->cached_input_micro_usd_per_million, std::nullopt);
  EXPECT_TRUE(config->teachers.at("by_request").facts.has_price());
}

TEST(GatewayConfigTest, BatchesHaveDefaultsAndKindsThatTakeNoneAreNamed) {
  const auto config = Resolve(R"(
teachers:
  - {name: a, kind: openai, base_url: "https://api.example.com/v1", model: m, batch: {}}
  - {name: b, kind: openai, base_url: "https://api.example.com/v1", model: m,
     batch: {price_percent: 60, max_requests: 7, poll_seconds: 5}}
  - {name: c, kind: openai, base_url: "https://api.example.com/v1", model: m}
)");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_TRUE(config->teachers.at("a").facts.sells_by_batch);
  EXPECT_EQ(config->teachers.at("a").config.batch->price_percent, 50u);
  EXPECT_EQ(config->teachers.at("b").config.batch->max_requests, 7u);
  EXPECT_EQ(config->teachers.at("b").config.batch->poll, absl::Seconds(5));
  EXPECT_FALSE(config->teachers.at("c").facts.sells_by_batch);
  EXPECT_FALSE(config->teachers.at("c").config.batch.has_value());

  const auto faulty = Resolve(R"(
teachers:
  - {name: a, kind: anthropic, base_url: "https://api.example.com/v1", model: m,
     batch: {price_percent: 101, patience_seconds: 1}}
)");
  EXPECT_THAT(FaultyFields(faulty.status()),
              UnorderedElementsAre("teachers[0].batch", "teachers[0].batch.price_percent",
                                   "teachers[0].batch.patience_seconds"));
}

TEST(GatewayConfigTest, ImpossiblePricesAndMonthsAreNamed) {
  const auto config = Resolve(R"(
teachers:
  - {name: t, kind: openai, base_url: "https://api.example.com/v1", model: m,
     input_micro_usd_per_million: 5, cached_input_micro_usd_per_million: 6,
     long_context: {input_micro_usd_per_million: -1}}
teams:
  - {name: a, month_ceiling_micro_usd: -1}
)");
  EXPECT_THAT(FaultyFields(config.status()),
              UnorderedElementsAre("teachers[0].cached_input_micro_usd_per_million",
                                   "teachers[0].long_context.above_input_tokens",
                                   "teachers[0].long_context.input_micro_usd_per_million",
                                   "teams[0].month_ceiling_micro_usd"));
}

TEST(GatewayConfigTest, AllFaultsAreReportedAtOnce) {
  const auto config = Resolve(R"(
teachers:
  - name: twice
    kind: openai
    base_url: http://api.example.com/v1
    model: m
    key: {env: LIMBECK_TEST_NO_SUCH_VARIABLE}
    quota_pool: nowhere
    training_use: {basis: BASIS_OWN_MODEL, reviewed_on: "24.11.2026"}
  - name: twice
    kind: oracle
    base_url: ftp://example.com
    input_micro_usd_per_million: -1
  - name: "not a name"
    kind: anthropic
    base_url: https://key@example.com
    model: m
    logprobs: true
quota_pools:
  - {name: p}
  - {name: p}
teams:
  - {name: a, ceiling_micro_usd: -5}
)");
  ASSERT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(FaultyFields(config.status()),
              UnorderedElementsAre("quota_pools[1].name", "teachers[0].base_url", "teachers[0].key",
                                   "teachers[0].quota_pool", "teachers[0].training_use.evidence",
                                   "teachers[0].training_use.reviewed_on", "teachers[1].name",
                                   "teachers[1].kind", "teachers[1].base_url", "teachers[1].model",
                                   "teachers[1].input_micro_usd_per_million", "teachers[2].name",
                                   "teachers[2].base_url", "teachers[2].logprobs",
                                   "teams[0].ceiling_micro_usd"));
}

TEST(GatewayConfigTest, PlainHttpNeedsLoopbackOrTheOperatorsWord) {
  const auto resolve = [](const std::string& url, const std::string& more) {
    return Resolve("teachers: [{name: t, kind: openai, model: m, base_url: \"" + url + "\"" + more +
                   "}]");
  };
  EXPECT_TRUE(resolve("http://localhost:8080/v1", "").ok());
  EXPECT_TRUE(resolve("http://127.0.0.1", "").ok());
  EXPECT_TRUE(resolve("http://[::1]/v1", "").ok());
  EXPECT_FALSE(resolve("http://127.example.org/v1", "").ok());
  EXPECT_FALSE(resolve("http://vllm:8000/v1", "").ok());
  EXPECT_TRUE(resolve("http://vllm:8000/v1", ", allow_plain_http: true").ok());
}

TEST(GatewayConfigTest, QuotaPoolsHaveLimitsOfSeveralWindows) {
  const auto config = Resolve(R"(
quota_pools:
  - name: lab
    requests_per_minute: 60
    max_concurrency: 64
    start_concurrency: 8
    max_park_seconds: 600
    shared: true
    claim_seconds: 20
    limits:
      - {kind: KIND_REQUESTS, window_seconds: 1, amount: 5, burst: 2}
      - {kind: KIND_TOTAL_TOKENS, window_seconds: 86400, amount: 1000000}
      - {kind: KIND_OUTPUT_TOKENS, amount: 7, fixed_window: true}
teams: [{name: a, share_weight: 2.5}]
)");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->team_share_weight, 2.5);
  const QuotaPoolOptions& pool = config->quota_pools.at(0);
  EXPECT_EQ(pool.start_concurrent, 8u);
  EXPECT_EQ(pool.max_pause, absl::Minutes(10));
  EXPECT_TRUE(pool.shared);
  EXPECT_EQ(pool.lease, absl::Seconds(20));
  const std::vector<QuotaLimit> limits = pool.AllLimits();
  ASSERT_EQ(limits.size(), 4u);
  EXPECT_EQ(limits[1].window, absl::Seconds(1));
  EXPECT_EQ(limits[1].burst, 2);
  EXPECT_FALSE(limits[1].fixed_window);
  EXPECT_EQ(limits[2].kind, QuotaKind::kTotalTokens);
  EXPECT_TRUE(limits[2].fixed_window);
  EXPECT_EQ(limits[3].window, absl::Minutes(1));
  EXPECT_TRUE(limits[3].fixed_window);
}

TEST(GatewayConfigTest, FaultyLimitsAreReportedAtOnce) {
  const auto config = Resolve(R"(
quota_pools:
  - name: lab
    max_concurrency: 4
    start_concurrency: 5
    max_park_seconds: 86401
    claim_seconds: 1
    limits:
      - {amount: 5}
      - {kind: KIND_REQUESTS, window_seconds: 99999999}
teams: [{name: a, share_weight: 0}]
)");
  EXPECT_THAT(
      FaultyFields(config.status()),
      UnorderedElementsAre("quota_pools[0].start_concurrency", "quota_pools[0].max_park_seconds",
                           "quota_pools[0].claim_seconds", "quota_pools[0].limits[0].kind",
                           "quota_pools[0].limits[1].window_seconds",
                           "quota_pools[0].limits[1].amount", "teams[0].share_weight"));
}

TEST(GatewayConfigTest, KeysAreReadAndNeverShown) {
  const ScopedTempDirectory directory;
  const auto path = directory.path() / "key";
  ASSERT_TRUE(WriteFileDurably(path, "sk-secret-of-this-test\n").ok());
  const std::string teacher =
      "teachers: [{name: t, kind: openai, base_url: \"https://a.example\", key: {file: \"" +
      path.string() + "\"}";
  const auto config = Resolve(teacher + ", model: m}]");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->teachers.at("t").config.api_key.Reveal(), "sk-secret-of-this-test");
  EXPECT_THAT(config->file.DebugString(), Not(HasSubstr("sk-secret")));
  EXPECT_THAT(Resolve(teacher + "}]").status().ToString(), Not(HasSubstr("sk-secret")));
}

TEST(GatewayConfigTest, NativeKindsTakeTheirOptionsAndOthersRefuseThem) {
  const auto config = Resolve(R"(
teachers:
  - name: local
    kind: llamacpp
    base_url: http://127.0.0.1:8080
    model: m
    prompt_format: PROMPT_FORMAT_CHATML
    max_top_logprobs: 100
  - name: thinker
    kind: gemini
    base_url: https://generativelanguage.googleapis.com/v1beta
    model: m
    thinking_budget: 0
)");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->teachers.at("local").config.prompt_format, PromptFormat::kChatMl);
  EXPECT_EQ(config->teachers.at("local").config.max_top_logprobs, 100u);
  EXPECT_EQ(config->teachers.at("thinker").config.thinking_budget, 0);

  const auto wrong = Resolve(R"(
teachers:
  - name: t
    kind: ollama
    base_url: http://127.0.0.1:11434
    model: m
    prompt_format: PROMPT_FORMAT_CHATML
    thinking_budget: -2
)");
  EXPECT_THAT(FaultyFields(wrong.status()),
              UnorderedElementsAre("teachers[0].prompt_format", "teachers[0].thinking_budget",
                                   "teachers[0].thinking_budget"));
}

TEST(GatewayConfigTest, AVertexTeacherNamesItsProjectAndReadsATokenThatIsRenewed) {
  const ScopedTempDirectory directory;
  const auto path = directory.path() / "token";
  ASSERT_TRUE(WriteFileDurably(path, "token-of-this-test\n").ok());
  const auto resolve = [&](const std::string& url) {
    return Resolve("teachers: [{name: t, kind: vertex, model: m, key: {file: \"" + path.string() +
                   "\"}, base_url: \"" + url + "\"}]");
  };
  const auto config = resolve(
      "https://europe-west4-aiplatform.googleapis.com/v1beta1/projects/p/locations/europe-west4/"
      "publishers/google/");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->teachers.at("t").config.access_token->Current()->Reveal(),
            "token-of-this-test");
  EXPECT_THAT(FaultyFields(resolve("https://aiplatform.googleapis.com/v1beta1").status()),
              ElementsAre("teachers[0].base_url"));
}

TEST(GatewayConfigTest, TheDrainIsBelowWhatOrchestratorsWaitUnlessStated) {
  EXPECT_EQ(Resolve("")->drain_for, absl::Seconds(25));
  EXPECT_EQ(Resolve("drain_seconds: 0")->drain_for, absl::ZeroDuration());
  const auto faulty = Resolve("drain_seconds: 3601");
  EXPECT_THAT(faulty.status().ToString(), HasSubstr("drain_seconds"));
}

TEST(GatewayConfigTest, SeveralTeamsAreRefused) {
  const auto config = Resolve("teams: [{name: a}, {name: b}]");
  EXPECT_THAT(FaultyFields(config.status()), ElementsAre("teams"));
}

TEST(GatewayConfigTest, AuthorityIsHostAndPort) {
  EXPECT_EQ(UrlAuthority("https://api.example.com/v1"), "api.example.com");
  EXPECT_EQ(UrlAuthority("http://127.0.0.1:8080"), "127.0.0.1:8080");
  EXPECT_EQ(UrlAuthority("nonsense"), "");
}

}  // namespace
}  // namespace limbeck::gateway
