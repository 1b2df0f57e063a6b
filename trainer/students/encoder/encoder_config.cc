#include "trainer/students/encoder/encoder_config.h"

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace limbeck::trainer {

std::string EncoderConfig::ToJson() const {
  return absl::StrCat("{\"kind\":\"encoder\",\"labels\":", labels, ",\"width\":", width,
                      ",\"layers\":", layers, ",\"heads\":", heads, ",\"max_tokens\":", max_tokens,
                      ",\"vocabulary_bits\":", vocabulary_bits, ",\"dropout\":", dropout, "}");
}

absl::StatusOr<EncoderConfig> ParseEncoderConfig(const ConfigFields& fields, size_t labels) {
  EncoderConfig c;
  c.labels = static_cast<uint32_t>(labels);
  LIMBECK_ASSIGN_OR_RETURN(c.width, fields.Unsigned("width", c.width, 16, 1024));
  LIMBECK_ASSIGN_OR_RETURN(c.layers, fields.Unsigned("layers", c.layers, 1, 24));
  LIMBECK_ASSIGN_OR_RETURN(c.heads, fields.Unsigned("heads", c.heads, 1, 16));
  LIMBECK_ASSIGN_OR_RETURN(c.max_tokens, fields.Unsigned("max_tokens", c.max_tokens, 8, 2048));
  LIMBECK_ASSIGN_OR_RETURN(c.vocabulary_bits,
                           fields.Unsigned("vocabulary_bits", c.vocabulary_bits, 10, 20));
  LIMBECK_ASSIGN_OR_RETURN(c.dropout, fields.Number("dropout", c.dropout, 0.0, 0.9));
  if (c.width % c.heads != 0) {
    return absl::InvalidArgumentError(absl::StrCat("student configuration: width ", c.width,
                                                   " must be a multiple of heads ", c.heads));
  }
  return c;
}

}  // namespace limbeck::trainer
