//! Hugging Face tokenizers: exact ids with the byte range each token covers.

use tokenizers::Tokenizer;

use crate::{bytes_in, guard, text_in, Failure, LimbeckString};

/// Equal to `limbeck_token` in the header.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Token {
    pub id: u32,
    pub begin: u32,
    pub end: u32,
}

/// Equal to `limbeck_tokens` in the header; owned by Rust until `limbeck_tokens_free`.
#[repr(C)]
pub struct Tokens {
    data: *mut Token,
    size: usize,
}

/// Longest text and file taken: offsets are 32 bits wide, and nothing real comes near.
const MAX_TEXT_BYTES: usize = 1 << 28;

fn load(bytes: &[u8]) -> Result<*mut Tokenizer, Failure> {
    let mut tokenizer = Tokenizer::from_bytes(bytes)
        .map_err(|error| Failure::invalid(format!("not a tokenizer.json: {error}")))?;
    // Cutting and padding are the caller's decisions: alignment needs every token of the text.
    tokenizer.with_padding(None);
    tokenizer
        .with_truncation(None)
        .map_err(|error| Failure::invalid(format!("not a tokenizer.json: {error}")))?;
    Ok(Box::into_raw(Box::new(tokenizer)))
}

fn encode(tokenizer: &Tokenizer, text: &str, special: bool) -> Result<Vec<Token>, Failure> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(Failure::exhausted(format!(
            "the text has {} bytes; the limit is {MAX_TEXT_BYTES}",
            text.len()
        )));
    }
    let encoding = tokenizer
        .encode(text, special)
        .map_err(|error| Failure::invalid(format!("cannot tokenise: {error}")))?;
    let tokens = encoding.get_ids().iter().zip(encoding.get_offsets());
    Ok(tokens
        .map(|(id, (begin, end))| Token { id: *id, begin: *begin as u32, end: *end as u32 })
        .collect())
}

/// # Safety
/// See the header.
#[no_mangle]
pub unsafe extern "C" fn limbeck_tokenizer_from_bytes(
    json: *const u8,
    json_size: usize,
    out: *mut *mut Tokenizer,
    error: *mut LimbeckString,
) -> i32 {
    guard(out, error, || load(bytes_in(json, json_size)))
}

/// # Safety
/// See the header.
#[no_mangle]
pub unsafe extern "C" fn limbeck_tokenizer_from_file(
    path: *const u8,
    path_size: usize,
    out: *mut *mut Tokenizer,
    error: *mut LimbeckString,
) -> i32 {
    guard(out, error, || {
        let path = text_in("path", path, path_size)?;
        let bytes = std::fs::read(path)
            .map_err(|failure| Failure::invalid(format!("cannot read {path}: {failure}")))?;
        load(&bytes).map_err(|failure| Failure {
            status: failure.status,
            message: format!("{path}: {}", failure.message),
        })
    })
}

/// # Safety
/// See the header.
#[no_mangle]
pub unsafe extern "C" fn limbeck_tokenizer_free(tokenizer: *mut Tokenizer) {
    if !tokenizer.is_null() {
        drop(Box::from_raw(tokenizer));
    }
}

/// # Safety
/// See the header.
#[no_mangle]
pub unsafe extern "C" fn limbeck_tokenizer_encode(
    tokenizer: *const Tokenizer,
    text: *const u8,
    text_size: usize,
    add_special_tokens: bool,
    out: *mut Tokens,
    error: *mut LimbeckString,
) -> i32 {
    guard(out, error, || {
        let text = text_in("text", text, text_size)?;
        let tokens = encode(&*tokenizer, text, add_special_tokens)?.into_boxed_slice();
        let size = tokens.len();
        Ok(Tokens { data: Box::into_raw(tokens) as *mut Token, size })
    })
}

/// # Safety
/// See the header.
#[no_mangle]
pub unsafe extern "C" fn limbeck_tokens_free(tokens: Tokens) {
    if !tokens.data.is_null() {
        drop(Box::from_raw(std::ptr::slice_from_raw_parts_mut(tokens.data, tokens.size)));
    }
}

/// # Safety
/// See the header.
#[no_mangle]
pub unsafe extern "C" fn limbeck_tokenizer_decode(
    tokenizer: *const Tokenizer,
    ids: *const u32,
    size: usize,
    skip_special_tokens: bool,
    out: *mut LimbeckString,
    error: *mut LimbeckString,
) -> i32 {
    guard(out, error, || {
        let ids = if size == 0 { &[] } else { std::slice::from_raw_parts(ids, size) };
        if let Some(id) = ids.iter().find(|id| (*tokenizer).id_to_token(**id).is_none()) {
            return Err(Failure::invalid(format!("id {id} is not in the vocabulary")));
        }
        (*tokenizer)
            .decode(ids, skip_special_tokens)
            .map(Into::into)
            .map_err(|failure| Failure::invalid(format!("cannot decode: {failure}")))
    })
}

/// # Safety
/// See the header.
#[no_mangle]
pub unsafe extern "C" fn limbeck_tokenizer_vocabulary_size(
    tokenizer: *const Tokenizer,
    out: *mut usize,
    error: *mut LimbeckString,
) -> i32 {
    guard(out, error, || Ok((*tokenizer).get_vocab_size(true)))
}

/// # Safety
/// See the header.
#[no_mangle]
pub unsafe extern "C" fn limbeck_tokenizer_token_to_id(
    tokenizer: *const Tokenizer,
    token: *const u8,
    token_size: usize,
    out: *mut i64,
    error: *mut LimbeckString,
) -> i32 {
    guard(out, error, || {
        let token = text_in("token", token, token_size)?;
        Ok((*tokenizer).token_to_id(token).map_or(-1, i64::from))
    })
}

/// # Safety
/// See the header.
#[no_mangle]
pub unsafe extern "C" fn limbeck_tokenizer_id_to_token(
    tokenizer: *const Tokenizer,
    id: u32,
    out: *mut LimbeckString,
    error: *mut LimbeckString,
) -> i32 {
    guard(out, error, || {
        (*tokenizer)
            .id_to_token(id)
            .map(Into::into)
            .ok_or_else(|| Failure::invalid(format!("id {id} is not in the vocabulary")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A word-level tokenizer with one added special token and a truncation to be ignored.
    const JSON: &str = r#"{"version":"1.0",
        "truncation":{"direction":"Right","max_length":1,"strategy":"LongestFirst","stride":0},
        "padding":null,
        "added_tokens":[{"id":0,"content":"[UNK]","single_word":false,"lstrip":false,
                         "rstrip":false,"normalized":false,"special":true}],
        "normalizer":null,"pre_tokenizer":{"type":"Whitespace"},"post_processor":null,
        "decoder":null,
        "model":{"type":"WordLevel","vocab":{"[UNK]":0,"héllo":1,"world":2},"unk_token":"[UNK]"}}"#;

    #[test]
    fn offsets_count_bytes_and_truncation_is_off() {
        let tokenizer = load(JSON.as_bytes()).ok().unwrap();
        let tokenizer = unsafe { Box::from_raw(tokenizer) };
        let tokens = encode(&tokenizer, "héllo world", false).ok().unwrap();
        assert_eq!(tokens, [Token { id: 1, begin: 0, end: 6 }, Token { id: 2, begin: 7, end: 12 }]);
    }

    #[test]
    fn a_file_of_another_kind_is_refused() {
        let failure = load(b"{\"a\": 1}").err().unwrap();
        assert!(failure.message.starts_with("not a tokenizer.json"), "{}", failure.message);
        assert!(load(b"\xff\xfe").is_err());
    }
}
