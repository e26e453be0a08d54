//! Composing a source from what each department sends.

use crate::error::SourceError;
use crate::parameters::{CalendarSource, ParametersSource};
use crate::source::{DepartmentSource, Source, toml_error};
use serde::{Deserialize, Serialize};

/// The part of a source that the consortium writes together.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Consortium {
    name: String,
    time: String,
    parameters: ParametersSource,
    #[serde(default, rename = "calendar", skip_serializing_if = "Vec::is_empty")]
    calendars: Vec<CalendarSource>,
}

/// Composes a source from the consortium's part (name, time, parameters) and the departments'
/// join files, each given with the name to use in errors. Errors name the file and the line.
pub fn compose(
    consortium: (&str, &str),
    joins: &[(String, String)],
) -> Result<String, (String, SourceError)> {
    let (name, text) = consortium;
    let head: Consortium =
        toml::from_str(text).map_err(|e| (name.to_owned(), toml_error(text, &e)))?;
    let mut departments: Vec<DepartmentSource> = Vec::with_capacity(joins.len());
    for (name, text) in joins {
        let department: DepartmentSource =
            toml::from_str(text).map_err(|e| (name.clone(), toml_error(text, &e)))?;
        let code = department.code.get_ref();
        if departments.iter().any(|before| before.code.get_ref() == code) {
            let at = department.code.span().start;
            let why = format!("department {code} has sent a join file already");
            return Err((name.clone(), SourceError::at(text, at, why)));
        }
        departments.push(department);
    }
    departments.sort_by(|a, b| a.code.get_ref().cmp(b.code.get_ref()));
    let here = |why: String| (name.to_owned(), SourceError { line: 1, why });
    let mut out = toml::to_string(&head).map_err(|e| here(e.to_string()))?;
    for department in &departments {
        let one = Departments { departments: vec![department] };
        out.push('\n');
        out.push_str(&toml::to_string(&one).map_err(|e| here(e.to_string()))?);
    }
    Source::parse(&out).map_err(|e| here(e.to_string()))?;
    Ok(out)
}

#[derive(Serialize)]
struct Departments<'a> {
    #[serde(rename = "department")]
    departments: Vec<&'a DepartmentSource>,
}

/// A department's join file.
pub fn department_toml(department: &DepartmentSource) -> Result<String, String> {
    toml::to_string(department).map_err(|e| e.to_string())
}
