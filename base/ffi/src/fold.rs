//! What the engine would compute while it compiles: constant expressions. They count against no
//! budget there, so templates with large ones are refused beforehand.

use minijinja::machinery::ast;
use serde_json::Value as Json;

use crate::Failure;

/// Bytes that one constant expression may have.
const MAX_CONSTANT: u64 = 256 << 10;
/// What a number counts.
const SLOT: u64 = 32;

struct Constant {
    bytes: u64,
    is_number: bool,
    /// Of a number that stands in the source as such.
    literal: Option<u64>,
}

/// INVALID where the template has a constant that is too large, or whose size would have to be
/// computed to be known.
pub fn check(template: &ast::Stmt<'_>) -> Result<(), Failure> {
    let tree = serde_json::to_value(template)
        .map_err(|error| Failure::invalid(format!("the template cannot be checked: {error}")))?;
    walk(&tree)
}

fn walk(node: &Json) -> Result<(), Failure> {
    match node {
        Json::Object(fields) => {
            if fields.get("expr").is_some_and(|kind| kind == "BinOp") {
                constant(node)?;
            }
            fields.values().try_for_each(walk)
        }
        Json::Array(items) => items.iter().try_for_each(walk),
        _ => Ok(()),
    }
}

fn too_large() -> Failure {
    Failure::invalid(format!(
        "a constant of the template is larger than {MAX_CONSTANT} bytes, or repeated by a computed \
         number"
    ))
}

/// None for an expression that is computed when the template runs.
fn constant(node: &Json) -> Result<Option<Constant>, Failure> {
    let body = &node["inner"][0];
    let found = match node["expr"].as_str().unwrap_or("") {
        "Const" => Some(literal(&body["value"])),
        "List" => sum(body["items"].as_array().into_iter().flatten())?,
        "Map" => sum([&body["keys"], &body["values"]]
            .into_iter()
            .flat_map(|list| list.as_array().into_iter().flatten()))?,
        "UnaryOp" => constant(&body["expr"])?.map(|one| Constant { literal: None, ..one }),
        "BinOp" => match (constant(&body["left"])?, constant(&body["right"])?) {
            (Some(left), Some(right)) => Some(combine(&body["op"], left, right)?),
            _ => None,
        },
        _ => None,
    };
    match found {
        Some(one) if one.bytes > MAX_CONSTANT => Err(too_large()),
        other => Ok(other),
    }
}

fn literal(value: &Json) -> Constant {
    match value {
        Json::String(text) => {
            Constant { bytes: text.len() as u64, is_number: false, literal: None }
        }
        other => Constant { bytes: SLOT, is_number: true, literal: other.as_u64() },
    }
}

fn sum<'a>(items: impl Iterator<Item = &'a Json>) -> Result<Option<Constant>, Failure> {
    let mut bytes = SLOT;
    for item in items {
        match constant(item)? {
            Some(one) => bytes += SLOT + one.bytes,
            None => return Ok(None),
        }
    }
    Ok(Some(Constant { bytes, is_number: false, literal: None }))
}

fn combine(op: &Json, left: Constant, right: Constant) -> Result<Constant, Failure> {
    let is_number = left.is_number && right.is_number && op != "Concat";
    let repeats = op == "Mul" && !is_number;
    let bytes = if repeats {
        let (value, count) = if left.is_number { (right, left) } else { (left, right) };
        value.bytes.saturating_mul(count.literal.ok_or_else(too_large)?)
    } else {
        left.bytes + right.bytes
    };
    Ok(Constant { bytes, is_number, literal: None })
}
