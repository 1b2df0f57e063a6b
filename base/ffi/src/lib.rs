//! Prompt templates (minijinja) and tokenizers behind the C ABI of `limbeck_ffi.h`.
//!
//! The contract is written once, in the header. This file holds what both halves share: how text
//! comes in, how results and errors go out, and the fence that keeps panics from crossing into C++.

mod allowance;
mod encoding;
mod fold;
mod guarded;
mod instrument;
mod template;

use std::any::Any;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::slice;

/// Status of every fallible entry; equal to the enum in the header.
pub const OK: i32 = 0;
pub const INVALID: i32 = 1;
pub const EXHAUSTED: i32 = 2;
pub const INTERNAL: i32 = 3;

/// An error on its way to C++: a status and a sentence.
pub struct Failure {
    pub status: i32,
    pub message: String,
}

impl Failure {
    pub fn invalid(message: impl Into<String>) -> Self {
        Failure { status: INVALID, message: message.into() }
    }

    pub fn exhausted(message: impl Into<String>) -> Self {
        Failure { status: EXHAUSTED, message: message.into() }
    }
}

/// Bytes owned by Rust until `limbeck_string_free`.
#[repr(C)]
pub struct LimbeckString {
    data: *mut u8,
    size: usize,
}

impl From<String> for LimbeckString {
    fn from(text: String) -> Self {
        let bytes = text.into_bytes().into_boxed_slice();
        let size = bytes.len();
        LimbeckString { data: Box::into_raw(bytes) as *mut u8, size }
    }
}

/// # Safety
/// `text` came from an entry of this library and is freed once.
#[no_mangle]
pub unsafe extern "C" fn limbeck_string_free(text: LimbeckString) {
    if !text.data.is_null() {
        drop(Box::from_raw(std::ptr::slice_from_raw_parts_mut(text.data, text.size)));
    }
}

/// # Safety
/// `data` points at `size` readable bytes, or `size` is 0.
pub unsafe fn bytes_in<'a>(data: *const u8, size: usize) -> &'a [u8] {
    if data.is_null() || size == 0 {
        &[]
    } else {
        slice::from_raw_parts(data, size)
    }
}

/// # Safety
/// As `bytes_in`.
pub unsafe fn text_in<'a>(what: &str, data: *const u8, size: usize) -> Result<&'a str, Failure> {
    std::str::from_utf8(bytes_in(data, size)).map_err(|error| {
        Failure::invalid(format!("{what} is not valid UTF-8 at byte {}", error.valid_up_to()))
    })
}

fn panic_text(payload: Box<dyn Any + Send>) -> String {
    payload
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| payload.downcast_ref::<&str>().map(|text| text.to_string()))
        .unwrap_or_else(|| "no message".to_string())
}

/// Runs `body`; its value goes to `out`, its failure's sentence to `error`. A panic becomes an
/// INTERNAL error: unwinding into C++ would be undefined.
///
/// # Safety
/// `out` and `error` are writable or null.
pub unsafe fn guard<T>(
    out: *mut T,
    error: *mut LimbeckString,
    body: impl FnOnce() -> Result<T, Failure>,
) -> i32 {
    let outcome = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        let message = format!("internal error: {}", panic_text(payload));
        Err(Failure { status: INTERNAL, message })
    });
    match outcome {
        Ok(value) => {
            if !out.is_null() {
                out.write(value);
            }
            OK
        }
        Err(failure) => {
            if !error.is_null() {
                error.write(failure.message.into());
            }
            failure.status
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub fn take(text: LimbeckString) -> String {
        let copy = unsafe { String::from_utf8(bytes_in(text.data, text.size).to_vec()).unwrap() };
        unsafe { limbeck_string_free(text) };
        copy
    }

    #[test]
    fn a_panic_becomes_an_internal_error() {
        let mut error = LimbeckString { data: std::ptr::null_mut(), size: 0 };
        let mut out = 0u32;
        let status =
            unsafe { guard(&mut out, &mut error, || -> Result<u32, Failure> { panic!("boom") }) };
        assert_eq!(status, INTERNAL);
        assert_eq!(take(error), "internal error: boom");
    }

    #[test]
    fn bad_utf8_names_the_byte() {
        let bytes = b"ab\xff";
        let failure = unsafe { text_in("text", bytes.as_ptr(), 3) }.unwrap_err();
        assert_eq!(failure.message, "text is not valid UTF-8 at byte 2");
    }
}
