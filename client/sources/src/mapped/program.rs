//! A jq program, run record by record.
//!
//! It sees its record and nothing else: neither the environment nor further inputs, files or modules. It runs beside the reader, so
//! that one which does not end stops the reading, not the machine.

use jaq_core::data::JustLut;
use jaq_core::load::{self, Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Vars};
use jaq_json::{Val, read};
use serde_json::Value;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

/// How many values a record may make.
pub(super) const MOST_VALUES: usize = 1000;
/// How long a record may take.
const MOST_TIME: Duration = Duration::from_secs(20);
/// What a program that calls itself may use of memory for it.
const STACK_BYTES: usize = 64 << 20;
/// What reaches beyond the record.
const OUTSIDE: [&str; 6] = ["env", "halt", "debug_empty", "stderr_empty", "input", "inputs"];
/// What is made of it.
const MADE_OF_IT: [&str; 4] = ["halt", "halt_error", "debug", "stderr"];

/// What a program makes of a record, as JSON; or why it can't be told.
type Made = Result<Vec<Value>, String>;
type Filter = jaq_core::Filter<JustLut<Val>>;

/// Why a program gives nothing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotMade {
    /// It says so of this record.
    Error(String),
    /// It does not end.
    Runaway,
}

/// A program.
#[derive(Debug)]
pub(super) struct Program {
    records: SyncSender<String>,
    made: Receiver<Made>,
    is_runaway: bool,
    /// How long a record may take.
    within: Duration,
}

impl Program {
    /// Of a text. Errors with what jq says of one that is none.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        Self::within(text, MOST_TIME)
    }

    fn within(text: &str, within: Duration) -> Result<Self, String> {
        let (records, taken) = sync_channel::<String>(1);
        let (gives, made) = sync_channel::<Made>(1);
        let (compiled, is_compiled) = sync_channel::<Result<(), String>>(1);
        let text = text.to_owned();
        let runs = move || {
            let filter = match compile(&text) {
                Ok(filter) => filter,
                Err(why) => return drop(compiled.send(Err(why))),
            };
            if compiled.send(Ok(())).is_err() {
                return;
            }
            for record in taken {
                if gives.send(run(&filter, &record)).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
        thread.spawn(runs).map_err(|e| e.to_string())?;
        match is_compiled.recv_timeout(MOST_TIME) {
            Ok(told) => told.map(|()| Self { records, made, is_runaway: false, within }),
            Err(_) => Err("the program can't be compiled".to_owned()),
        }
    }

    /// What it makes of a record, JSON. Nothing more of one that did not end.
    pub(super) fn values(&mut self, record: String) -> Result<Vec<Value>, NotMade> {
        if !self.is_runaway && self.records.send(record).is_ok() {
            match self.made.recv_timeout(self.within) {
                Ok(made) => return made.map_err(NotMade::Error),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
        }
        self.is_runaway = true;
        Err(NotMade::Runaway)
    }
}

fn compile(text: &str) -> Result<Filter, String> {
    let all = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
    let defs = all.filter(|it| !MADE_OF_IT.contains(&it.name));
    let all = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
    let funs = all.filter(|(name, ..)| !OUTSIDE.contains(name));
    let arena = Arena::default();
    let modules = Loader::new(defs)
        .load(&arena, File { code: text, path: () })
        .map_err(|errors| of_load(&errors, text))?;
    Compiler::default().with_funs(funs).compile(modules).map_err(|errors| {
        let all = errors.iter().flat_map(|(_, all)| all);
        let all: Vec<_> =
            all.map(|(name, what)| format!("undefined {}: {name}", what.as_str())).collect();
        all.join("; ")
    })
}

fn of_load(errors: &load::Errors<&str, ()>, text: &str) -> String {
    let at = |what: &str, rest: &str| {
        let before = text.get(..load::span(text, rest).start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let found: String = rest.chars().take(20).collect();
        format!("line {line}: {what} expected, not `{found}`")
    };
    let of = |error: &load::Error<&str>| -> Vec<String> {
        match error {
            load::Error::Io(all) => {
                all.iter().map(|(path, why)| format!("{path}: {why}")).collect()
            }
            load::Error::Lex(all) => {
                all.iter().map(|(expected, rest)| at(expected.as_str(), rest)).collect()
            }
            load::Error::Parse(all) => {
                all.iter().map(|(expected, rest)| at(expected.as_str(), rest)).collect()
            }
        }
    };
    errors.iter().flat_map(|(_, error)| of(error)).collect::<Vec<_>>().join("; ")
}

fn run(filter: &Filter, record: &str) -> Made {
    let input = read::parse_single(record.as_bytes()).map_err(|e| e.to_string())?;
    let context = Ctx::<JustLut<Val>>::new(&filter.lut, Vars::new([]));
    let mut values = Vec::new();
    for value in filter.id.run((context, input)) {
        let value = match value {
            Ok(value) => value.to_string(),
            Err(why) => {
                let why = why.get_err();
                return Err(why.map_or_else(|_| "it halts".to_owned(), |it| it.to_string()));
            }
        };
        if values.len() == MOST_VALUES {
            return Err(format!("more than {MOST_VALUES} values"));
        }
        values.push(serde_json::from_str(&value).map_err(|e| format!("no JSON: {e}"))?);
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(program: &str, record: &str) -> Result<String, NotMade> {
        let values = Program::new(program).unwrap().values(record.to_owned());
        values.map(|it| it.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn programs() {
        let cases = [
            (".a", r#"{"a":1}"#, "1"),
            (".[] | select(. > 1)", "[1,2,3]", "2 3"),
            ("empty", "1", ""),
            ("{a: (.t | capture(\"(?<x>[0-9]+)\").x | tonumber)}", r#"{"t":"a12"}"#, r#"{"a":12}"#),
            ("\"2026-11-28T13:40:00Z\" | fromdate", "null", "1795873200"),
            (".a // \"名\" | @base64 | @base64d", "{}", "\"名\""),
            ("now | type", "1", "\"number\""),
        ];
        for (program, record, expected) in cases {
            assert_eq!(of(program, record).unwrap(), expected, "{program}");
        }
        for (program, why) in [
            ("error(\"x\")", "x"),
            (".a.b", "cannot index"),
            ("range(2000)", "1000"),
            ("nan", "no JSON"),
            ("repeat(1)", "1000"),
        ] {
            let error = of(program, "[1]").unwrap_err();
            assert!(matches!(&error, NotMade::Error(it) if it.contains(why)), "{error:?}");
        }
    }

    #[test]
    fn a_program_that_does_not_end() {
        let mut program = Program::within("def f: f; f", Duration::from_millis(50)).unwrap();
        for _ in 0..3 {
            assert_eq!(program.values("1".to_owned()), Err(NotMade::Runaway));
        }
    }

    #[test]
    fn bad_programs() {
        for (program, why) in [
            (".a |\n | .b", "line 2"),
            ("(.a", "closing parenthesis"),
            ("", "expected"),
            ("nothing_such", "undefined filter: nothing_such"),
            ("env", "undefined filter"),
            ("$ENV", "undefined variable"),
            ("input", "undefined filter"),
            ("halt", "undefined filter"),
            ("debug", "undefined filter"),
            ("import \"a\" as a; .", "a"),
        ] {
            let error = Program::new(program).unwrap_err();
            assert!(error.contains(why), "{program}: {error}");
        }
    }
}
