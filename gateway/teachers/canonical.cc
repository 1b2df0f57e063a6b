#include "gateway/teachers/canonical.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/string_view.h"

namespace limbeck::gateway {
namespace {

constexpr std::string_view kFormat = "limbeck.canonical_request.v1";

// Appends fields as 8 bytes of length, little-endian, and the content.
class Framer {
 public:
  void Bytes(std::string_view field) {
    Number(field.size());
    out_.append(field);
  }
  void Number(uint64_t value) {
    for (int shift = 0; shift < 64; shift += 8) out_.push_back(static_cast<char>(value >> shift));
  }
  void Real(double value) {
    value += 0.0;  // −0 and 0 are one temperature.
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof(bits));
    Number(bits);
  }
  std::string Take() { return std::move(out_); }

 private:
  std::string out_;
};

// Options of the teacher by which other models or other requests answer.
void FrameHost(const TeacherConfig& config, Framer* framer) {
  const auto frame = [framer](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    framer->Bytes(name);
    framer->Bytes(value);
  };
  frame("deployment", config.deployment);
  frame("api_version", config.api_version);
  frame("profile", config.profile);
  if (config.custom_profile.has_value()) {
    frame("chat_path", config.custom_profile->chat_path);
    frame("extra_body", config.custom_profile->extra_body);
  }
  frame("enforce_distillable_text", config.enforce_distillable_text ? "1" : "");
  frame("thinking_budget",
        config.thinking_budget.has_value() ? absl::StrCat(*config.thinking_budget) : "");
  frame("prompt_format", config.prompt_format == PromptFormat::kPlain
                             ? ""
                             : absl::StrCat(static_cast<int>(config.prompt_format)));
}

}  // namespace

std::string EndpointIdentity(std::string_view base_url) {
  while (!base_url.empty() && base_url.back() == '/') base_url.remove_suffix(1);
  const size_t scheme_end = base_url.find("://");
  if (scheme_end == base_url.npos) return std::string(base_url);
  const size_t path = std::min(base_url.size(), base_url.find('/', scheme_end + 3));
  std::string origin = absl::AsciiStrToLower(ToAbsl(base_url.substr(0, path)));
  const std::string_view port = origin.starts_with("https:") ? ":443" : ":80";
  if (origin.ends_with(port)) origin.resize(origin.size() - port.size());
  return absl::StrCat(origin, ToAbsl(base_url.substr(path)));
}

std::string CanonicalRequest(const TeacherConfig& config, const TeacherQuery& query) {
  Framer framer;
  framer.Bytes(kFormat);
  framer.Bytes(config.kind);
  framer.Bytes(EndpointIdentity(config.base_url));
  framer.Bytes(config.model);
  framer.Bytes(config.revision);
  framer.Real(query.sampling.temperature);
  framer.Number(query.sampling.top_p.has_value());
  framer.Real(query.sampling.top_p.value_or(1));
  framer.Number(query.sampling.max_tokens);
  framer.Number(query.sampling.seed.has_value());
  framer.Number(static_cast<uint64_t>(query.sampling.seed.value_or(0)));
  framer.Number(query.sampling.stop.size());
  for (const std::string& stop : query.sampling.stop) framer.Bytes(stop);
  framer.Number(query.messages.size());
  for (const Turn& turn : query.messages) {
    framer.Number(static_cast<uint64_t>(turn.role));
    framer.Bytes(turn.content);
  }
  framer.Number(0);  // Tools: none are sent yet.
  framer.Bytes(query.response_schema);
  framer.Number(query.sample_index);
  // Framed only when used, so that plain queries keep the keys under which answers were bought.
  if (!query.choices.empty()) {
    framer.Bytes("choices");
    framer.Number(query.choices.size());
    for (const std::string& choice : query.choices) framer.Bytes(choice);
  }
  if (!query.continuation.empty()) {
    framer.Bytes("continuation");
    framer.Bytes(query.continuation);
  }
  FrameHost(config, &framer);
  return framer.Take();
}

std::string IdempotencyKey(const TeacherConfig& config, const TeacherQuery& query) {
  std::string asked = absl::StrCat(CanonicalRequest(config, query), query.top_logprobs);
  if (query.samples > 1) absl::StrAppend(&asked, "/", query.samples);
  return Sha256Hex(asked);
}

}  // namespace limbeck::gateway
