//! Jinja templates: compiled once, rendered under limits, with no way to reach files or other
//! templates (no loader is compiled in, and an environment holds one template).

use std::sync::Arc;

use minijinja::machinery::{make_string_output, parse, CompiledTemplate, Vm};
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};

use crate::{allowance, fold, guard, guarded, instrument, text_in, Failure, LimbeckString};

/// Name under which the only template of an environment is kept.
const NAME: &str = "template";

/// Equal to `limbeck_template_limits` in the header.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Limits {
    pub max_source_bytes: u64,
    pub max_output_bytes: u64,
    pub fuel: u64,
    pub max_memory_bytes: u64,
    pub max_recursion: u32,
}

pub struct Template {
    /// Borrows `source`, and is dropped before it.
    program: CompiledTemplate<'static>,
    /// Holds the template a second time, as the engine compiles it, for its variables.
    environment: Environment<'static>,
    source: Arc<str>,
    limits: Limits,
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
        let parsed = parse(source, NAME, Default::default(), Default::default())
            .map_err(|error| describe(&error, source))?;
        fold::check(&parsed)?;
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        // Prompts are plain text; escaping "<" as HTML would change what the teacher reads.
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_debug(true);
        environment.set_fuel(Some(limits.fuel));
        environment.set_recursion_limit(limits.max_recursion as usize);
        guarded::install(&mut environment);
        environment
            .add_template_owned(NAME, source.to_string())
            .map_err(|error| describe(&error, source))?;
        let source: Arc<str> = source.into();
        // SAFETY: the text is on the heap, neither moves nor changes while `source` lives, and
        // `program`, the only borrower, is a private field that is dropped before it.
        let kept: &'static str = unsafe { &*std::ptr::from_ref::<str>(&source) };
        let program = instrument::compile(NAME, kept).map_err(|error| describe(&error, &source))?;
        Ok(Template { program, environment, source, limits })
    }

    pub fn render(&self, context: &str) -> Result<String, Failure> {
        let context: serde_json::Value = serde_json::from_str(context)
            .map_err(|error| Failure::invalid(format!("context is not valid JSON: {error}")))?;
        if !context.is_object() {
            return Err(Failure::invalid("context must be a JSON object"));
        }
        let budget = self.limits.max_memory_bytes;
        allowance::begin(budget);
        // Bounded by the budget: emitted text counts.
        let mut text = String::new();
        let rendered = Vm::new(&self.environment)
            .eval(
                &self.program.instructions,
                Value::from_serialize(&context),
                &self.program.blocks,
                &mut make_string_output(&mut text),
                AutoEscape::None,
            )
            .map(|_| ());
        if allowance::is_spent() {
            return Err(Failure::exhausted(format!(
                "the template makes more than {budget} bytes of text and lists, a single one of \
                 more than a quarter of that, or lists nested too deeply"
            )));
        }
        rendered.map_err(|error| describe(&error, &self.source))?;
        if text.len() as u64 > self.limits.max_output_bytes {
            return Err(Failure::exhausted(format!(
                "the rendered text passes the limit of {} bytes",
                self.limits.max_output_bytes
            )));
        }
        Ok(text)
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

    const LIMITS: Limits = Limits {
        max_source_bytes: 10_000,
        max_output_bytes: 100,
        fuel: 10_000,
        max_memory_bytes: 1 << 20,
        max_recursion: 50,
    };

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
    fn text_that_doubles_over_and_over_is_refused() {
        let doubled = |statement: &str| {
            let source = format!("{{% set x = a %}}{}", statement.repeat(60));
            failure(render(&source, r#"{"a": "ab"}"#))
        };
        for statement in [
            "{% set x = x ~ x %}",
            "{% set x = x + x %}",
            "{% set x = x * 2 %}",
            "{% set x %}{{ x }}{{ x }}{% endset %}",
            "{% set x = [x, x] %}",
            "{% set x = [x, x]|join %}",
            "{% set x = x|replace('a', x) %}",
            "{% set x = [x]|list + [x] %}{% set x = x ~ '' %}",
        ] {
            let (status, message) = doubled(statement);
            assert_eq!(status, EXHAUSTED, "{statement}: {message}");
            assert!(message.contains("1048576 bytes"), "{statement}: {message}");
        }
    }

    #[test]
    fn one_step_cannot_make_much() {
        let raw = "a".repeat(500);
        for source in [
            "{{ (a * 100000000)|length }}",
            "{{ ([a] * 10000000000)|length }}",
            "{{ a|indent(1000000000, true) }}",
            "{{ [1, 2]|tojson(indent=1000000000) }}",
            "{{ [1]|batch(1000000000, a)|list }}",
            "{{ ['a', 'b']|join(a * 30000)|replace('a', a * 30000) }}",
            &format!("{{% set x %}}{{% for i in range(9000) %}}{raw}{{% endfor %}}{{% endset %}}"),
        ] {
            let template = Template::compile(source, Limits { fuel: 1_000_000, ..LIMITS });
            let (status, message) = failure(template.and_then(|t| t.render(r#"{"a": "abcd"}"#)));
            assert_eq!(status, EXHAUSTED, "{source}: {message}");
        }
    }

    #[test]
    fn nothing_large_is_computed_while_compiling() {
        for source in [
            "{{ 'a' * 100000000 }}",
            "{{ ('a' * 100000) ~ ('a' * 200000) }}",
            "{{ [1] * 1000000000 ~ '' }}",
            "{{ 'a' * (10 * 10000000) }}",
        ] {
            let (status, message) = failure(Template::compile(source, LIMITS));
            assert_eq!(status, INVALID, "{source}");
            assert!(message.contains("a constant"), "{source}: {message}");
        }
        assert_eq!(render("{{ 'ab' * 3 ~ 2 * 3 }}", "{}").ok().unwrap(), "ababab6");
    }

    #[test]
    fn instrumented_templates_compute_what_they_did() {
        for (source, wanted) in [
            ("{{ 7 * n }} {{ n + 1 }} {{ 2 * 'a' }} {{ a * 2 }} {{ [n] * 2 }}", "21 4 aa bb [3, 3]"),
            ("{% for i in range(n) if i != 1 %}{{ i }}{% else %}-{% endfor %}", "02"),
            ("{% macro m(x, y=2) %}<{{ x * y }}>{% endmacro %}{{ m(n) }}{{ m(a, y=1) }}", "<6><b>"),
            ("{% if a and n > 2 or false %}{{ a if n else 0 }}{% else %}no{% endif %}", "b"),
            ("{% for k, v in {'p': 1, 'q': 2}|items %}{{ k }}{{ v }}{% endfor %}", "p1q2"),
            ("{% set x %}{{ a }}{% for i in [1, 2] %}{{ i }}{% endfor %}{% endset %}{{ x[1:] }}", "12"),
            ("{% filter upper %}{{ a }}x{% endfilter %}{{ [3, 1]|sort|join('-') }}", "BX1-3"),
            ("{% for i in [[1], [2]] recursive %}{{ i if i is number else loop(i) }}{% endfor %}", "12"),
            ("{% block t %}{{ a ~ n }}{% endblock %}{{ self.t() }}", "b3b3"),
            ("{% for i in range(5) %}{% if i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %}", "012"),
            ("{{ 'a,b'|replace(',', '/') }}{{ [1, 2]|tojson }}{{ 'x'|indent(2, true) }}", "a/b[1,2]  x"),
            ("{{ missing|default('d') }}{{ a is defined }}", "dTrue"),
        ] {
            assert_eq!(render(source, r#"{"n": 3, "a": "b"}"#).ok().unwrap(), wanted, "{source}");
        }
    }

    #[test]
    fn lists_are_not_nested_deeply() {
        let nested = format!("{{% set x = n %}}{}", "{% set x = [x] %}".repeat(40));
        assert_eq!(failure(render(&nested, r#"{"n": 1}"#)).0, EXHAUSTED);
        assert_eq!(render("{% set x = [[[n]]] %}{{ x }}", r#"{"n": 1}"#).ok().unwrap(), "[[[1]]]");
    }

    #[test]
    fn context_must_be_an_object() {
        assert_eq!(failure(render("a", "[]")).1, "context must be a JSON object");
        assert!(failure(render("a", "{")).1.starts_with("context is not valid JSON"));
    }
}
