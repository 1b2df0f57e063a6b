/* C ABI of the Rust crate in this folder: Jinja templates and Hugging Face tokenizers.
 *
 * C++ code uses base/ffi/jinja.h and base/ffi/tokenizer.h, which own the handles.
 *
 * Rules for every entry
 *  - Text goes in as (pointer, size) in UTF-8, needs no terminator, and is not kept.
 *  - A fallible entry returns a limbeck_ffi_status. On LIMBECK_FFI_OK `*out` is set, otherwise
 *    `*error` is set to one sentence and `*out` is untouched.
 *  - What an entry hands out is freed with the matching free function, once, never with free().
 *  - Handles may be used by many threads at once; they are freed when no call uses them.
 *  - No entry unwinds: a panic in Rust comes back as LIMBECK_FFI_INTERNAL.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Names as C has them. */
/* NOLINTBEGIN(readability-identifier-naming) */

typedef enum limbeck_ffi_status {
  LIMBECK_FFI_OK = 0,
  LIMBECK_FFI_INVALID = 1,   /* the input is at fault: syntax, undefined variable, UTF-8, id */
  LIMBECK_FFI_EXHAUSTED = 2, /* a limit was reached: steps, output, source or text size */
  LIMBECK_FFI_INTERNAL = 3,  /* a panic was caught */
} limbeck_ffi_status;

typedef struct limbeck_string {
  uint8_t* data;
  size_t size;
} limbeck_string;

void limbeck_string_free(limbeck_string text);

/* ---- templates ---- */

typedef struct limbeck_template limbeck_template;

typedef struct limbeck_template_limits {
  uint64_t max_source_bytes;
  uint64_t max_output_bytes;
  uint64_t fuel; /* instructions of the template engine per rendering */
  /* text and lists that one rendering may make on its way, together; a single value may have a
   * quarter of it */
  uint64_t max_memory_bytes;
  uint32_t max_recursion;
} limbeck_template_limits;

/* Compiles Jinja source. Undefined variables are errors, output is not escaped, and neither files
 * nor other templates can be reached. */
int32_t limbeck_template_new(const uint8_t* source, size_t source_size,
                             const limbeck_template_limits* limits, limbeck_template** out,
                             limbeck_string* error);
void limbeck_template_free(limbeck_template* tmpl);

/* `context` is a JSON object. */
int32_t limbeck_template_render(const limbeck_template* tmpl, const uint8_t* context,
                                size_t context_size, limbeck_string* out, limbeck_string* error);

/* The names the source reads without defining them: a sorted JSON array of strings. */
int32_t limbeck_template_variables(const limbeck_template* tmpl, limbeck_string* out,
                                   limbeck_string* error);

/* ---- tokenizers ---- */

typedef struct limbeck_tokenizer limbeck_tokenizer;

typedef struct limbeck_token {
  uint32_t id;
  uint32_t begin; /* byte offset in the text; begin == end for tokens that cover none */
  uint32_t end;
} limbeck_token;

typedef struct limbeck_tokens {
  limbeck_token* data;
  size_t size;
} limbeck_tokens;

void limbeck_tokens_free(limbeck_tokens tokens);

/* Loads a tokenizer.json. Truncation and padding it asks for are switched off. */
int32_t limbeck_tokenizer_from_bytes(const uint8_t* json, size_t json_size, limbeck_tokenizer** out,
                                     limbeck_string* error);
int32_t limbeck_tokenizer_from_file(const uint8_t* path, size_t path_size, limbeck_tokenizer** out,
                                    limbeck_string* error);
void limbeck_tokenizer_free(limbeck_tokenizer* tokenizer);

int32_t limbeck_tokenizer_encode(const limbeck_tokenizer* tokenizer, const uint8_t* text,
                                 size_t text_size, bool add_special_tokens, limbeck_tokens* out,
                                 limbeck_string* error);

/* An id outside the vocabulary is LIMBECK_FFI_INVALID. */
int32_t limbeck_tokenizer_decode(const limbeck_tokenizer* tokenizer, const uint32_t* ids,
                                 size_t size, bool skip_special_tokens, limbeck_string* out,
                                 limbeck_string* error);

/* Entries including added tokens. */
int32_t limbeck_tokenizer_vocabulary_size(const limbeck_tokenizer* tokenizer, size_t* out,
                                          limbeck_string* error);
/* -1 for a token that does not exist. */
int32_t limbeck_tokenizer_token_to_id(const limbeck_tokenizer* tokenizer, const uint8_t* token,
                                      size_t token_size, int64_t* out, limbeck_string* error);
int32_t limbeck_tokenizer_id_to_token(const limbeck_tokenizer* tokenizer, uint32_t id,
                                      limbeck_string* out, limbeck_string* error);

/* NOLINTEND(readability-identifier-naming) */

#ifdef __cplusplus
}
#endif
