//! What one rendering may make: a budget of bytes that the engine itself does not have.
//!
//! The engine bounds steps, output and recursion, but not the values that a template makes on the
//! way: `{% set x = x ~ x %}` sixty times over is a hundred steps and an exabyte. An allocator that
//! refuses is no way out (Rust aborts, and may not unwind from one), so values are counted where
//! they are made. The compiled template is instrumented: behind each instruction that makes a value
//! whose size its inputs decide stands a call that charges the budget and refuses values that are
//! too large or too deep, before the next instruction can build on them. Filters and operators
//! whose result can be larger than the sum of their inputs are checked before they run.

use std::cell::Cell;

use minijinja::value::{Value, ValueKind};
use minijinja::{Error, ErrorKind};

/// Nesting of lists and maps: they are walked and dropped by recursion.
const MAX_DEPTH: u32 = 32;
/// What a value counts beside its text: its slot, or the digits that it is written with.
const SLOT: u64 = 32;
/// One value may take this part of the budget, so that what is made of it stays near the budget.
const SHARE_OF_ONE: u64 = 4;

thread_local! {
    static LEFT: Cell<u64> = const { Cell::new(0) };
    static LARGEST: Cell<u64> = const { Cell::new(0) };
    static SPENT: Cell<bool> = const { Cell::new(false) };
}

/// Starts a rendering on this thread; it ends before the next begins.
pub fn begin(budget: u64) {
    LEFT.set(budget);
    LARGEST.set(budget / SHARE_OF_ONE);
    SPENT.set(false);
}

/// Whether the rendering that began last on this thread was refused for its budget.
pub fn is_spent() -> bool {
    SPENT.get()
}

fn refuse() -> Error {
    SPENT.set(true);
    Error::new(ErrorKind::InvalidOperation, "the template makes too much text or too large a list")
}

/// Refuses what is about to be made where one value may not be so large.
pub fn fits(bytes: u64) -> Result<(), Error> {
    if bytes <= LARGEST.get() {
        Ok(())
    } else {
        Err(refuse())
    }
}

/// Takes `bytes` off the budget.
pub fn charge(bytes: u64) -> Result<(), Error> {
    match LEFT.get().checked_sub(bytes) {
        Some(left) if bytes <= LARGEST.get() => {
            LEFT.set(left);
            Ok(())
        }
        _ => Err(refuse()),
    }
}

/// Bytes that `value` stands for, every mention of a shared part counted; no more than a little
/// past `limit` is looked at. None where it is larger or nested too deeply.
fn weigh(value: &Value, limit: u64, depth: u32) -> Option<u64> {
    if let Some(bytes) = value.as_bytes() {
        let size = SLOT + bytes.len() as u64;
        return (size <= limit).then_some(size);
    }
    let is_map = value.kind() == ValueKind::Map;
    if !is_map && !matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable) {
        return (SLOT <= limit).then_some(SLOT);
    }
    // A list may be computed as it is read: its length is asked before that begins.
    let claimed = value.len().unwrap_or(0) as u64;
    if depth == 0 || claimed.checked_mul(SLOT)? > limit {
        return None;
    }
    let mut total = SLOT;
    for item in value.try_iter().ok()? {
        total += weigh(&item, limit.checked_sub(total)?, depth - 1)?;
        if is_map {
            let held = value.get_item(&item).ok()?;
            total += weigh(&held, limit.checked_sub(total)?, depth - 1)?;
        }
        if total > limit {
            return None;
        }
    }
    Some(total)
}

/// Bytes of `value`, or a refusal where one value may not be so large.
pub fn size_of(value: &Value) -> Result<u64, Error> {
    weigh(value, LARGEST.get(), MAX_DEPTH).ok_or_else(refuse)
}

/// The same, where a text counts its bytes alone.
pub fn text_size(value: &Value) -> Result<u64, Error> {
    value.as_str().map_or_else(|| size_of(value), |text| Ok(text.len() as u64))
}

/// Charges a value that was just made and hands it on.
pub fn made(value: Value) -> Result<Value, Error> {
    charge(size_of(&value)?)?;
    Ok(value)
}
