//! The functions that instrumented templates call, and filters whose result may be many times their
//! arguments: both look at what would be made before it is.

use minijinja::value::{Rest, Value, ValueKind};
use minijinja::{filters, Environment, Error, State};

use crate::allowance::{charge, fits, made, size_of, text_size};
use crate::instrument::{EMITTED, MADE, REPEATED};

/// Levels of indentation that JSON has here at most; lists are not nested deeper.
const JSON_LEVELS: u64 = 32;

pub fn install(environment: &mut Environment<'static>) {
    environment.add_function(MADE, made);
    environment.add_function(EMITTED, |bytes: u64| charge(bytes));
    environment.add_function(REPEATED, repeated);
    // Text that is emitted may be captured, so it counts like a value.
    environment.set_formatter(|out, state, value| {
        charge(size_of(value)?)?;
        minijinja::escape_formatter(out, state, value)
    });
    guard(environment, "replace", Value::from_function(filters::replace), |args| {
        let text = size_at(args, 0)?;
        let hits = text / size_at(args, 1)?.max(1) + 1;
        Ok(hits.saturating_mul(size_at(args, 2)?).saturating_add(text))
    });
    guard(environment, "join", Value::from_function(filters::join), |args| {
        let items = args.first().and_then(Value::len).unwrap_or(1) as u64;
        Ok(items.saturating_mul(size_at(args, 1)?).saturating_add(size_at(args, 0)?))
    });
    guard(environment, "indent", Value::from_function(filters::indent), |args| {
        let text = args.first().and_then(|value| value.as_str()).unwrap_or("");
        let lines = text.bytes().filter(|byte| *byte == b'\n').count() as u64 + 1;
        Ok(lines.saturating_mul(largest_number(args)).saturating_add(text.len() as u64))
    });
    guard(environment, "tojson", Value::from_function(filters::tojson), |args| {
        let indent = largest_number(args.get(1..).unwrap_or(&[])).saturating_mul(JSON_LEVELS);
        Ok(size_at(args, 0)?.saturating_mul(indent.max(1)))
    });
    for (name, filter) in [
        ("batch", Value::from_function(filters::batch)),
        ("slice", Value::from_function(filters::slice)),
    ] {
        guard(environment, name, filter, |args| {
            let count = largest_number(args.get(1..).unwrap_or(&[]));
            let filled = size_at(args, 2)?.max(1);
            Ok(count.saturating_mul(filled).saturating_add(size_at(args, 0)?))
        });
    }
    // Its widths may ask for any amount of padding.
    environment.remove_filter("format");
    // It could hold itself, and printing it would then never end.
    environment.remove_global("namespace");
}

/// Adds `filter`, which runs only where `would_make` (bytes, by its arguments) fits.
fn guard(
    environment: &mut Environment<'static>,
    name: &'static str,
    filter: Value,
    would_make: fn(&[Value]) -> Result<u64, Error>,
) {
    environment.add_filter(name, move |state: &State, args: Rest<Value>| {
        fits(would_make(&args)?)?;
        filter.call(state, &args)
    });
}

fn size_at(args: &[Value], at: usize) -> Result<u64, Error> {
    args.get(at).map_or(Ok(0), text_size)
}

/// The largest whole number among arguments, named ones included; 0 without any.
fn largest_number(args: &[Value]) -> u64 {
    let number = |value: &Value| i64::try_from(value.clone()).map_or(0, |n| n.max(0) as u64);
    let mut largest = 0;
    for arg in args {
        largest = largest.max(number(arg));
        if arg.kind() != ValueKind::Map {
            continue;
        }
        for key in arg.try_iter().into_iter().flatten() {
            largest = largest.max(arg.get_item(&key).map_or(0, |value| number(&value)));
        }
    }
    largest
}

/// Takes both operands of `*` and hands them on turned round: unpacking turns them back.
fn repeated(operands: Vec<Value>) -> Result<Value, Error> {
    for (one, other) in [(0, 1), (1, 0)] {
        let (Some(value), Some(count)) = (operands.get(one), operands.get(other)) else { continue };
        if value.is_number() {
            continue;
        }
        let count = i64::try_from(count.clone()).map_or(0, |n| n.max(0) as u64);
        fits(text_size(value)?.saturating_mul(count))?;
    }
    Ok(Value::from_iter(operands.into_iter().rev()))
}
