//! Compiles a template into instructions that charge the allowance for what they make.
//!
//! Built on the engine's machinery, which may change between versions: the dependency is pinned to
//! one, and the tests below fail where an operation is no longer counted.

use std::sync::Arc;

use minijinja::machinery::{CompiledTemplate, Instruction, Instructions, TemplateConfig};
use minijinja::value::Value;
use minijinja::{AutoEscape, Error};

/// Functions that no template can name.
pub const MADE: &str = "~made";
pub const EMITTED: &str = "~emitted";
pub const REPEATED: &str = "~repeated";

pub fn compile<'a>(name: &'a str, source: &'a str) -> Result<CompiledTemplate<'a>, Error> {
    let config = TemplateConfig {
        syntax_config: Default::default(),
        ws_config: Default::default(),
        default_auto_escape: Arc::new(|_| AutoEscape::None),
    };
    let mut compiled = CompiledTemplate::new(name, source, &config)?;
    compiled.instructions = instrument(&compiled.instructions);
    for block in compiled.blocks.values_mut() {
        *block = instrument(block);
    }
    Ok(compiled)
}

/// What runs in place of one instruction, itself included.
fn expand<'a>(instruction: &Instruction<'a>) -> Vec<Instruction<'a>> {
    let itself = instruction.clone();
    let charge = Instruction::CallFunction(MADE, Some(1));
    match instruction {
        // How long raw text is stands in the template, but loops repeat it.
        Instruction::EmitRaw(text) => vec![
            Instruction::LoadConst(Value::from(text.len())),
            Instruction::CallFunction(EMITTED, Some(1)),
            Instruction::DiscardTop,
            itself,
        ],
        // The result is many times the operands: both are looked at before. Unpacking puts the
        // first of the list on top, so the function turns them round.
        Instruction::Mul => vec![
            Instruction::BuildList(Some(2)),
            Instruction::CallFunction(REPEATED, Some(1)),
            Instruction::UnpackList(2),
            itself,
            charge,
        ],
        Instruction::Add
        | Instruction::StringConcat
        | Instruction::Slice
        | Instruction::BuildList(_)
        | Instruction::BuildMap(_)
        | Instruction::ApplyFilter(..)
        | Instruction::CallMethod(..)
        | Instruction::CallObject(_)
        | Instruction::EndCapture => vec![itself, charge],
        // Calling a loop jumps, and what is behind the call then runs on the result.
        Instruction::CallFunction(..) => vec![itself, charge],
        _ => vec![itself],
    }
}

/// The same program with charges; jumps lead to where their targets are now.
fn instrument<'a>(program: &Instructions<'a>) -> Instructions<'a> {
    let originals: Vec<&Instruction<'a>> = (0..).map_while(|at| program.get(at)).collect();
    let expanded: Vec<Vec<Instruction<'a>>> = originals.iter().map(|one| expand(one)).collect();
    let mut moved = Vec::with_capacity(originals.len() + 1);
    let mut next = 0u32;
    for group in &expanded {
        moved.push(next);
        next += group.len() as u32;
    }
    moved.push(next); // A jump may lead behind the last instruction.
    let mut result = Instructions::new(program.name(), program.source());
    for (at, group) in expanded.into_iter().enumerate() {
        for mut instruction in group {
            retarget(&mut instruction, &moved);
            match (program.get_span(at as u32), program.get_line(at as u32)) {
                (Some(span), _) => result.add_with_span(instruction, span),
                (None, Some(line)) => result.add_with_line(instruction, line as u16),
                (None, None) => result.add(instruction),
            };
        }
    }
    result
}

fn retarget(instruction: &mut Instruction<'_>, moved: &[u32]) {
    match instruction {
        Instruction::Iterate(target)
        | Instruction::Jump(target)
        | Instruction::JumpIfFalse(target)
        | Instruction::JumpIfFalseOrPop(target)
        | Instruction::JumpIfTrueOrPop(target)
        | Instruction::BuildMacro(_, target, _) => *target = moved[*target as usize],
        _ => {}
    }
}
