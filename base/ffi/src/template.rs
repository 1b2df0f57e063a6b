//! Jinja templates: compiled once, rendered under limits, with no way to reach files or other
//! templates (no loader is compiled in, and an environment holds one template).

use std::io;

use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};

use crate::{guard, text_in, Failure, LimbeckString};

/// Name under which the only template of an environment is kept.
const NAME: &str = "template";

/// Equal to `limbeck_template_limits` in the header.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Limits {
    pub max_source_bytes: u64,
    pub max_output_bytes: u64,
    pub fuel: u64,
    pub max_recursion: u32,
}

pub struct Template {
    environment: Environment<'static>,
    limits: Limits,
}

/// Collects output and refuses what would pass the cap, so a runaway loop costs no memory.
struct CappedOutput {
    bytes: Vec<u8>,
    cap: usize,
    full: bool,
}

impl io::Write for CappedOutput {
    fn write(&mut self, chunk: &[u8]) -> io::Result<usize> {
        if chunk.len() > self.cap - self.bytes.len() {
            self.full = true;
            return Err(io::Error::other("output limit"));
        }
        self.bytes.extend_from_slice(chunk);
        Ok(chunk.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Template {
    pub fn compile(source: &str, limits: Limits) -> Result<Self, Failure> {
        if source.len() as u64 > limits.max_source_bytes {
            return Err(Failure::exhausted(format!(
                "the template has {} bytes; the limit is {}",
                source.len(),
                limits.max_source_bytes
            )));
        }
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        // Prompts are plain text; escaping "<" as HTML would change what the teacher reads.
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_debug(true);
        environment.set_fuel(Some(limits.fuel));
        environment.set_recursion_limit(limits.max_recursion as usize);
        environment
            .add_template_owned(NAME, source.to_string())
            .map_err(|error| describe(&error, source))?;
        Ok(Template { environment, limits })
    }

    pub fn render(&self, context: &str) -> Result<String, Failure> {
        let context: serde_json::Value = serde_json::from_str(context)
            .map_err(|error| Failure::invalid(format!("context is not valid JSON: {error}")))?;
        if !context.is_object() {
            return Err(Failure::invalid("context must be a JSON object"));
        }
        let template = self.environment.get_template(NAME).map_err(|error| describe(&error, ""))?;
        let mut output = CappedOutput {
            bytes: Vec::new(),
            cap: usize::try_from(self.limits.max_output_bytes).unwrap_or(usize::MAX),
            full: false,
        };
        let rendered = template.render_captured_to(context, &mut output).map(|_| ());
        if output.full {
            return Err(Failure::exhausted(format!(
                "the rendered text passes the limit of {} bytes",
                self.limits.max_output_bytes
            )));
        }
        rendered.map_err(|error| describe(&error, template.source()))?;
        String::from_utf8(output.bytes)
            .map_err(|_| Failure::invalid("the rendered text is not valid UTF-8"))
    }

    /// Names the context must hold, sorted; a JSON array.
    pub fn variables(&self) -> Result<String, Failure> {
        let template = self.environment.get_template(NAME).map_err(|error| describe(&error, ""))?;
        let globals: Vec<&str> = self.environment.globals().map(|(name, _)| name).collect();
        let mut names: Vec<String> = template
            .undeclared_variables(false)
            .into_iter()
            .filter(|name| !globals.contains(&name.as_str()))
            .collect();
        names.sort();
        serde_json::to_string(&names).map_err(|error| Failure::invalid(error.to_string()))
    }
}

/// One sentence: line, kind, detail and the piece of source at fault.
fn describe(error: &Error, source: &str) -> Failure {
    if error.kind() == ErrorKind::OutOfFuel {
        return Failure::exhausted("the template ran longer than its step limit allows");
    }
    let mut message = String::new();
    if let Some(line) = error.line() {
        message.push_str(&format!("line {line}: "));
    }
    message.push_str(&error.kind().to_string());
    if let Some(detail) = error.detail() {
        message.push_str(&format!(": {detail}"));
    }
    if let Some(piece) = error.range().and_then(|range| source.get(range)) {
        if !piece.is_empty() {
            let shown: String = piece.chars().take(80).collect();
            message.push_str(&format!(" (at `{shown}`)"));
        }
    }
    Failure::invalid(message)
}

/// # Safety
/// See the header.
#[no_mangle]
pub unsafe extern "C" fn limbeck_template_new(
    source: *const u8,
    source_size: usize,
    limits: *const Limits,
    out: *mut *mut Template,
    error: *mut LimbeckString,
) -> i32 {
    guard(out, error, || {
        let source = text_in("template", source, source_size)?;
        Ok(Box::into_raw(Box::new(Template::compile(source, *limits)?)))
    })
}

/// # Safety
/// See the header.
#[no_mangle]
pub unsafe extern "C" fn limbeck_template_free(template: *mut Template) {
    if !template.is_null() {
        drop(Box::from_raw(template));
    }
}

/// # Safety
/// See the header.
#[no_mangle]
pub unsafe extern "C" fn limbeck_template_render(
    template: *const Template,
    context: *const u8,
    context_size: usize,
    out: *mut LimbeckString,
    error: *mut LimbeckString,
) -> i32 {
    guard(out, error, || {
        let context = text_in("context", context, context_size)?;
        Ok((*template).render(context)?.into())
    })
}

/// # Safety
/// See the header.
#[no_mangle]
pub unsafe extern "C" fn limbeck_template_variables(
    template: *const Template,
    out: *mut LimbeckString,
    error: *mut LimbeckString,
) -> i32 {
    guard(out, error, || Ok((*template).variables()?.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EXHAUSTED, INVALID};

    const LIMITS: Limits =
        Limits { max_source_bytes: 10_000, max_output_bytes: 100, fuel: 10_000, max_recursion: 50 };

    fn render(source: &str, context: &str) -> Result<String, Failure> {
        Template::compile(source, LIMITS)?.render(context)
    }

    fn failure<T>(result: Result<T, Failure>) -> (i32, String) {
        match result {
            Ok(_) => panic!("expected a failure"),
            Err(failure) => (failure.status, failure.message),
        }
    }

    #[test]
    fn text_is_not_escaped() {
        assert_eq!(render("{{ a }}", r#"{"a": "<b> & é"}"#).ok().unwrap(), "<b> & é");
    }

    #[test]
    fn an_undefined_variable_is_an_error_with_its_place() {
        let (status, message) = failure(render("x\n{{ missing }}", "{}"));
        assert_eq!(status, INVALID);
        assert!(message.contains("line 2"), "{message}");
        assert!(message.contains("missing"), "{message}");
    }

    #[test]
    fn a_syntax_error_names_the_line() {
        let (status, message) = failure(render("a\n{% if %}", "{}"));
        assert_eq!(status, INVALID);
        assert!(message.contains("line 2: syntax error"), "{message}");
    }

    #[test]
    fn a_long_loop_spends_its_fuel() {
        let loops = "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}";
        assert_eq!(failure(render(loops, "{}")).0, EXHAUSTED);
    }

    #[test]
    fn output_is_capped() {
        let (status, message) = failure(render("{{ 'a' * 101 }}", "{}"));
        assert_eq!(status, EXHAUSTED);
        assert!(message.contains("100 bytes"), "{message}");
        assert_eq!(render("{{ 'a' * 100 }}", "{}").ok().unwrap().len(), 100);
    }

    #[test]
    fn recursion_is_bounded() {
        let recursive = "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}";
        failure(render(recursive, "{}"));
        let nested = "(".repeat(5_000);
        failure(render(&format!("{{{{ {nested} }}}}"), "{}"));
    }

    #[test]
    fn other_templates_and_files_are_out_of_reach() {
        failure(render("{% include '/etc/passwd' %}", "{}"));
        failure(render("{% extends 'template' %}", "{}"));
    }

    #[test]
    fn variables_leave_out_globals_and_locals() {
        let source = "{% set x = a %}{% for i in range(n) %}{{ i }}{{ b.c }}{{ x }}{% endfor %}";
        let template = Template::compile(source, LIMITS).ok().unwrap();
        assert_eq!(template.variables().ok().unwrap(), r#"["a","b","n"]"#);
    }

    #[test]
    fn context_must_be_an_object() {
        assert_eq!(failure(render("a", "[]")).1, "context must be a JSON object");
        assert!(failure(render("a", "{")).1.starts_with("context is not valid JSON"));
    }
}
