// The seam to model providers: what a teacher is, what it is asked, and what a provider kind must
// be able to do. One folder per kind implements it; registry.h lists them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/error_details.h"
#include "base/http/transport.h"
#include "base/secret.h"
#include "cache/records/soft_output.h"
#include "gateway/limits/quota_pool.h"
#include "gateway/teachers/access_token.h"
#include "gateway/teachers/compatible_profile.h"
#include "gateway/teachers/failure.h"
#include "gateway/teachers/prices.h"

namespace limbeck::gateway {

// The operator's statement that students may be trained on a teacher's output.
struct TrainingUse {
  std::string basis;        // "own model", "open licence", "provider's programme", "consent"
  std::string evidence;     // Where the licence or consent is kept.
  std::string reviewed_on;  // ISO date.
};

struct TeacherTimeouts {
  absl::Duration connect = absl::Seconds(5);
  absl::Duration total = absl::Seconds(600);
  absl::Duration idle = absl::Seconds(120);
  // Until the first byte of the answer, which of an answer that is not streamed comes when the
  // whole was made; zero: `idle`.
  absl::Duration first_byte;
};

// How messages become one prompt, where a server takes no messages; llamacpp/chat_prompt.h.
enum class PromptFormat : uint8_t { kPlain, kChatMl, kLlama3, kGemma };

// A teacher as the operator configured it.
struct TeacherConfig {
  std::string name;
  std::string kind;      // One of ProviderKinds().
  std::string base_url;  // "https://api.openai.com/v1", without a trailing slash.
  std::string model;
  // What the operator calls this state of the model; a change makes every cached answer another.
  std::string revision;
  Secret api_key;  // Empty where the server asks for none.
  std::string quota_pool;
  int64_t input_micro_usd_per_million = 0;
  int64_t output_micro_usd_per_million = 0;
  PriceTiers price_tiers;
  QuotaPoolOptions limits;
  std::optional<TrainingUse> training_use;
  TeacherTimeouts timeouts;
  size_t max_response_bytes = 64u << 20;
  // Most candidates the model gives per token; queries for more are refused before they cost.
  uint32_t max_top_logprobs = 20;
  // Some OpenAI models refuse `max_tokens` and want `max_completion_tokens`.
  bool max_completion_tokens = false;
  // Ask for server-sent events where the kind has them; the answer is the same.
  bool stream = false;
  // Azure: the deployment (default the model) and the dated version ("2024-10-21"); without a
  // version the undated v1 endpoint is asked.
  std::string deployment;
  std::string api_version;
  // Azure: the key is an Entra token and goes as a bearer.
  bool bearer_key = false;
  // Of kind openai_compatible, exactly one: the host's profile by name, or one of the operator's.
  std::string profile;
  std::optional<CompatibleProfile> custom_profile;
  // OpenRouter: route to models only whose author allows distillation.
  bool enforce_distillable_text = false;
  // Vertex: a service account's JSON key.
  Secret service_account;
  // Keys that change while the process runs: of a file, or made from the service account; api_key
  // counts where there is none.
  std::shared_ptr<AccessToken> access_token;
  // Gemini: most tokens spent on thinking, 0 none, -1 as many as the model likes; absent: the
  // model's default.
  std::optional<int32_t> thinking_budget;
  // llama.cpp: how messages become one prompt.
  PromptFormat prompt_format = PromptFormat::kPlain;
};

enum class Role : uint8_t { kSystem = 0, kUser = 1, kAssistant = 2 };

struct Turn {
  Role role = Role::kUser;
  std::string content;  // UTF-8.
};

struct Sampling {
  double temperature = 1.0;
  std::optional<double> top_p;
  uint32_t max_tokens = 256;
  std::optional<int64_t> seed;
  std::vector<std::string> stop;
};

// One question, fully expanded.
struct TeacherQuery {
  std::vector<Turn> messages;
  Sampling sampling;
  // JSON schema that the answer must follow; empty for free text.
  std::string response_schema;
  // The only answers allowed, where the kind can hold a model to them; empty allows any.
  std::vector<std::string> choices;
  // Scores this text as the answer instead of sampling one: the soft output's tokens are exactly
  // this text's, each with the logprob the teacher gives it. Empty samples an answer.
  std::string continuation;
  // Candidates wanted per token; 0 asks for no logprobs. Not part of the canonical request.
  uint32_t top_logprobs = 0;
  // Tells apart the votes of one question.
  uint32_t sample_index = 0;
  // Answers wanted from one call, whose prompt is billed once. Not part of the canonical request:
  // each answer is a sample of its own.
  uint32_t samples = 1;
};

// What a provider kind can give at best; a model may give less.
struct Capabilities {
  bool logprobs = false;
  bool seed = false;
  uint32_t max_top_logprobs = 0;
  // Taken for the model's own limit where the operator names none.
  uint32_t usual_top_logprobs = 20;
  bool schema = false;                // TeacherQuery::response_schema.
  bool choices = false;               // TeacherQuery::choices.
  bool continuation_scoring = false;  // TeacherQuery::continuation.
  uint32_t max_samples = 1;           // TeacherQuery::samples.
};

// An answer, or why there is none.
using ParseResult = std::variant<cache::SoftOutput, Failure>;

// A provider kind. Stateless; const methods are thread-safe.
class Provider {
 public:
  virtual ~Provider() = default;

  virtual std::string_view kind() const = 0;
  virtual Capabilities capabilities() const = 0;

  // The same for one teacher, where its configuration decides (a host's profile).
  virtual Capabilities CapabilitiesFor(const TeacherConfig&) const { return capabilities(); }

  // What this kind finds wrong with a teacher's configuration beyond CheckTeacher; field names are
  // those of the configuration file.
  virtual std::vector<FieldViolation> CheckConfig(const TeacherConfig&) const { return {}; }

  // INVALID_ARGUMENT when this kind cannot ask the query: a parameter it does not have, messages
  // that are not UTF-8, a schema that is not JSON.
  virtual absl::StatusOr<http::Request> BuildRequest(const TeacherConfig& config,
                                                     const TeacherQuery& query) const = 0;

  // Reads a complete answer of any status code. `now` is wall time, for dates in headers and the
  // record's provenance. Never fails on content: what cannot be read is a Failure.
  virtual ParseResult ParseResponse(const TeacherConfig& config, const TeacherQuery& query,
                                    const http::Response& response, absl::Time now) const = 0;

  // The answers behind the first of a response that ParseResponse read, where the query wants
  // several; fewer where the provider gave fewer. Their usage is the first one's, which is the
  // whole call's.
  virtual std::vector<cache::SoftOutput> ParseFurther(const TeacherConfig&, const TeacherQuery&,
                                                      const http::Response&, absl::Time) const {
    return {};
  }

  // Asks the provider for its list of models (model_listing.h reads it), without cost.
  // UNIMPLEMENTED where the kind is not known to have one that says anything of use.
  virtual absl::StatusOr<http::Request> BuildListing(const TeacherConfig& config) const;

  // What the answer's headers say about the account.
  virtual QuotaHints ParseHints(const http::Response& response, absl::Time now) const = 0;

  // The same for one teacher, where its configuration names the headers (a host's profile).
  virtual QuotaHints HintsFor(const TeacherConfig&, const http::Response& response,
                              absl::Time now) const {
    return ParseHints(response, now);
  }
};

// Everything wrong with a teacher's configuration; empty when it is usable. `path` is the prefix
// of field names.
std::vector<FieldViolation> CheckTeacher(const TeacherConfig& config, std::string_view path);

// Everything wrong with a query for this teacher, before it costs anything.
std::vector<FieldViolation> CheckQuery(const TeacherConfig& config, const Capabilities& can,
                                       const TeacherQuery& query);

}  // namespace limbeck::gateway
