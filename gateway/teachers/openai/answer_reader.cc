#include "gateway/teachers/openai/answer_reader.h"

#include <utility>

#include "gateway/teachers/openai/json_fields.h"
#include "gateway/teachers/openai/parse_token.h"
#include "gateway/teachers/openai/token_rules.h"

namespace limbeck::gateway {
namespace {

using simdjson::error_code;
namespace ondemand = simdjson::ondemand;

// Together's streams give one number instead of an object, and the id beside the text.
struct LoneLogprob {
  std::optional<double> logprob;
  std::optional<uint32_t> id;
};

error_code ReadMessage(ondemand::value value, Answer* answer, LoneLogprob* lone) {
  return ForEachField(value, [=](std::string_view key, ondemand::value member) {
    if (key == "content") return AppendText(member, &answer->output.text);
    if (key == "refusal") return AppendText(member, &answer->refusal);
    if (key == "token_id") return ReadTokenId(member, &lone->id);
    return simdjson::SUCCESS;
  });
}

error_code ReadEntries(ondemand::value value, cache::SoftOutput* output) {
  return ForEachElement(value, [output](size_t, ondemand::value element) {
    ondemand::object entry;
    if (error_code error = element.get_object().get(entry)) return error;
    // A teacher gives every token as many candidates.
    const size_t likely = output->tokens.empty() ? 0 : output->tokens.back().candidates.size();
    output->tokens.emplace_back();
    output->tokens.back().candidates.reserve(likely);
    return ParseToken(entry, &output->tokens.back());
  });
}

error_code ReadIds(ondemand::value value, std::vector<uint32_t>* ids) {
  return ForEachElement(value, [ids](size_t, ondemand::value element) {
    std::optional<uint32_t> id;
    const error_code error = ReadTokenId(element, &id);
    ids->push_back(id.value_or(0));
    return error;
  });
}

// Replaces: some hosts repeat it in the chunk with the usage.
error_code ReadLast(ondemand::value value, std::string* out) {
  if (HasType(value, ondemand::json_type::string)) out->clear();
  return AppendText(value, out);
}

error_code ReadChoice(ondemand::value value, Answer* answer) {
  const size_t text_before = answer->output.text.size();
  const size_t listed_before = answer->listed.size();
  LoneLogprob lone;
  const auto on_logprobs = [&](std::string_view key, ondemand::value member) {
    if (key == "content") return ReadEntries(member, &answer->output);
    return ReadTokenList(key, member, listed_before, &answer->listed);
  };
  const error_code error = ForEachField(value, [&](std::string_view key, ondemand::value member) {
    if (key == "message" || key == "delta") return ReadMessage(member, answer, &lone);
    if (key == "text") return AppendText(member, &answer->output.text);
    if (key == "token_ids") return ReadIds(member, &answer->token_ids);
    if (key == "prompt_token_ids") return ReadIds(member, &answer->prompt_ids);
    if (key == "prompt_logprobs") return ReadPromptLogprobs(member, &answer->prompt);
    if (key == "finish_reason") return ReadLast(member, &answer->output.raw_finish_reason);
    if (key != "logprobs") return simdjson::SUCCESS;
    const error_code bad = ReadNumber(member, &lone.logprob);
    return bad || lone.logprob.has_value() ? bad : ForEachField(member, on_logprobs);
  });
  const std::string_view added = std::string_view(answer->output.text).substr(text_before);
  if (!error && lone.logprob.has_value() && !added.empty()) {
    answer->listed.emplace_back();
    cache::Token& token = answer->listed.back().token;
    SetIdentity(IdentityOf(added), &token);
    token.id = lone.id;
    token.logprob = CleanLogprob(*lone.logprob);
  }
  return error;
}

error_code ReadUsage(ondemand::value value, std::string_view cached_field, cache::Usage* usage) {
  const auto on_detail = [usage](std::string_view name, ondemand::value count) {
    if (name == "cached_tokens") return ReadCount(count, &usage->cached_input_tokens);
    if (name == "reasoning_tokens") return ReadCount(count, &usage->reasoning_tokens);
    return simdjson::SUCCESS;
  };
  return ForEachField(value, [&](std::string_view key, ondemand::value member) {
    if (key == "prompt_tokens") return ReadCount(member, &usage->input_tokens);
    if (key == "completion_tokens") return ReadCount(member, &usage->output_tokens);
    if (!cached_field.empty() && key == cached_field) {
      return ReadCount(member, &usage->cached_input_tokens);
    }
    if (key != "prompt_tokens_details" && key != "completion_tokens_details") {
      return simdjson::SUCCESS;
    }
    return ForEachField(member, on_detail);
  });
}

// The first value of a stream stands: its chunks repeat these.
error_code ReadOnce(ondemand::value value, std::string* out) {
  return out->empty() ? AppendText(value, out) : simdjson::SUCCESS;
}

// Text with the padding that simdjson reads beyond the end. Its memory is used again: pages fresh
// from the system for each of a thousand answers a second cost more than copying into them.
class PaddedCopy {
 public:
  simdjson::padded_string_view Of(std::string_view text) {
    if (buffer_.capacity() > kMaxKeptBytes) buffer_ = std::string();
    buffer_.reserve(text.size() + simdjson::SIMDJSON_PADDING);
    buffer_.assign(text);
    return simdjson::padded_string_view(buffer_.data(), buffer_.size(), buffer_.capacity());
  }

 private:
  static constexpr size_t kMaxKeptBytes = 4u << 20;
  std::string buffer_;
};

error_code ReadRootField(std::string_view key, ondemand::value value, std::string_view cached_field,
                         Answer* answer) {
  if (key == "choices") {
    ondemand::array choices;
    if (error_code error = value.get_array().get(choices)) return error;
    size_t place = 0;
    for (auto choice : choices) {
      ondemand::value element;
      if (error_code error = choice.get(element)) return error;
      if (place++ != answer->wanted_choice || !HasType(element, ondemand::json_type::object)) {
        continue;
      }
      answer->has_choice = true;
      if (error_code error = ReadChoice(element, answer)) return error;
    }
    return simdjson::SUCCESS;
  }
  if (key == "usage") return ReadUsage(value, cached_field, &answer->output.usage);
  if (key == "model") return ReadOnce(value, &answer->output.provenance.model);
  if (key == "system_fingerprint") return ReadOnce(value, &answer->output.provenance.fingerprint);
  if (key == "prompt_logprobs") return ReadPromptLogprobs(value, &answer->prompt);
  if (key == "prompt_token_ids") return ReadIds(value, &answer->prompt_ids);
  if (key == "error" && !HasType(value, ondemand::json_type::null)) answer->has_error = true;
  return simdjson::SUCCESS;
}

}  // namespace

error_code ReadAnswer(std::string_view json, std::string_view cached_field, Answer* answer) {
  thread_local ondemand::parser parser;
  thread_local PaddedCopy copy;
  ondemand::document document;
  if (error_code error = parser.iterate(copy.Of(json)).get(document)) return error;
  ondemand::object root;
  if (error_code error = document.get_object().get(root)) return error;
  for (auto field : root) {
    ondemand::field member;
    if (error_code error = std::move(field).get(member)) return error;
    std::string_view key;
    if (error_code error = ReadKey(member, &key)) return error;
    if (error_code error = ReadRootField(key, member.value(), cached_field, answer)) return error;
  }
  // At the end there is no location left; anything else is content behind the object.
  const bool at_end = document.current_location().error() == simdjson::OUT_OF_BOUNDS;
  return at_end ? simdjson::SUCCESS : simdjson::TAPE_ERROR;
}

}  // namespace limbeck::gateway
