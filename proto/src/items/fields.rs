//! What a field of an item must be, for the checks of all kinds.

pub(crate) use crate::items::kind::Checked;

use crate::items::error::ItemError;
use crate::suite::sign::PublicKey;
use crate::types::{check_code, limits};
use crate::wire;

/// The error of a field.
pub(crate) fn wrong(field: &'static str, why: impl Into<String>) -> ItemError {
    ItemError::Field { field, why: why.into() }
}

/// Checks a condition on a field.
pub(crate) fn ensure(holds: bool, field: &'static str, why: &str) -> Checked {
    if holds { Ok(()) } else { Err(wrong(field, why)) }
}

/// The same; the reason, which says what was found, is only made where it does not hold.
pub(crate) fn ensure_of(holds: bool, field: &'static str, why: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(wrong(field, why())) }
}

/// Bytes as people type them, cut where they are long.
fn shown(bytes: &[u8]) -> String {
    const MOST: usize = 40;
    let hex = hex::encode(bytes.get(..MOST).unwrap_or(bytes));
    if bytes.len() > MOST { format!("{hex}…") } else { hex }
}

/// A text as it was typed, cut where it is long, and with what does not print escaped.
fn quoted(text: &str) -> String {
    const MOST: usize = 80;
    let short: String = text.chars().take(MOST).flat_map(char::escape_debug).collect();
    let more = if text.chars().nth(MOST).is_some() { "…" } else { "" };
    format!("`{short}{more}`")
}

/// A code: see [`crate::types::check_code`].
pub(crate) fn code(field: &'static str, text: &str) -> Checked {
    check_code(text).map_err(|e| wrong(field, e.to_string()))
}

/// A hash or an id.
pub(crate) fn id(field: &'static str, bytes: &[u8]) -> Checked {
    match bytes.len() {
        32 => Ok(()),
        0 => Err(wrong(field, "32 bytes are needed")),
        count => Err(wrong(field, format!("32 bytes are needed, not {count}: {}", shown(bytes)))),
    }
}

/// A hash or an id, or nothing.
pub(crate) fn id_if_given(field: &'static str, bytes: &[u8]) -> Checked {
    if bytes.is_empty() { Ok(()) } else { id(field, bytes) }
}

/// A list in strict order, of at most so many.
pub(crate) fn ascending<T: PartialOrd>(field: &'static str, list: &[T], limit: usize) -> Checked {
    let count = list.len();
    ensure_of(count <= limit, field, || format!("{count} entries are more than {limit}"))?;
    let sorted = list.iter().zip(list.iter().skip(1)).all(|(a, b)| a < b);
    ensure(sorted, field, "entries must be strictly ascending, each once")
}

/// A grade of sensitivity.
pub(crate) fn grade(field: &'static str, grade: u32) -> Checked {
    ensure_of((1..=4).contains(&grade), field, || {
        format!("a grade is 1 (open) to 4 (core), not {grade}")
    })
}

/// What a thing is called.
pub(crate) fn title(field: &'static str, text: &str) -> Checked {
    let fits = text.len() <= limits::TITLE_LENGTH && !text.chars().any(char::is_control);
    ensure_of(fits, field, || {
        let (most, found) = (limits::TITLE_LENGTH, text.len());
        format!("at most {most} bytes, no control characters; {found} bytes: {}", quoted(text))
    })
}

/// A category of sharing.
pub(crate) fn category(field: &'static str, value: i32, wanted: bool) -> Checked {
    let known = wire::Category::try_from(value)
        .map_err(|_| wrong(field, format!("unknown category {value}")))?;
    ensure(!wanted || known != wire::Category::Unspecified, field, "a category is needed")
}

/// What is done with data.
pub(crate) fn operation(field: &'static str, value: i32) -> Checked {
    let known = wire::Operation::try_from(value)
        .map_err(|_| wrong(field, format!("unknown operation {value}")))?;
    ensure(known != wire::Operation::Unspecified, field, "an operation is needed")
}

/// A code, or nothing.
pub(crate) fn code_if_given(field: &'static str, text: &str) -> Checked {
    if text.is_empty() { Ok(()) } else { code(field, text) }
}

/// An administrative division, or the beginning of one.
pub(crate) fn division(field: &'static str, text: &str) -> Checked {
    let digits = text.len() <= 12 && text.bytes().all(|b| b.is_ascii_digit());
    ensure_of(digits, field, || format!("a division is at most 12 digits, not {}", quoted(text)))
}

/// Rights of a department.
pub(crate) fn rights(field: &'static str, rights: &[i32]) -> Checked {
    ascending(field, rights, 5)?;
    let unknown = rights.iter().find(|it| !(1..=5).contains(*it));
    unknown.map_or(Ok(()), |it| Err(wrong(field, format!("unknown right {it}"))))
}

/// Whether it is one of the changes of standing.
pub(crate) fn standing_change(field: &'static str, value: i32) -> Checked {
    ensure_of((1..=3).contains(&value), field, || {
        format!("suspend, reinstate or revoke is needed, not {value}")
    })
}

/// Keys to take up.
pub(crate) fn new_keys(field: &'static str, keys: &[wire::NewKey]) -> Checked {
    let order: Vec<&[u8]> = keys.iter().map(|it| it.public_key.as_slice()).collect();
    ascending(field, &order, limits::IDENTITY_KEYS)?;
    for key in keys {
        PublicKey::new(key.algorithm, &key.public_key).map_err(|e| wrong(field, e.to_string()))?;
    }
    Ok(())
}

/// Keys of a root, and how many must sign.
pub(crate) fn root_keys(given: Option<&wire::RootKeys>) -> Checked {
    let it = given.ok_or_else(|| wrong("root", "root keys are needed"))?;
    new_keys("root.keys", &it.keys)?;
    let count = u32::try_from(it.keys.len()).unwrap_or(u32::MAX);
    let fits = it.threshold >= 1 && it.threshold <= count;
    ensure_of(fits, "root.threshold", || {
        format!("the threshold is 1 to the {count} keys, not {}", it.threshold)
    })
}

/// A department to admit.
pub(crate) fn new_department(given: Option<&wire::NewDepartment>) -> Checked {
    let it = given.ok_or_else(|| wrong("department", "a department is needed"))?;
    code("department.code", &it.code)?;
    title("department.name_zh", &it.name_zh)?;
    title("department.name_en", &it.name_en)?;
    let named = !it.name_zh.is_empty() || !it.name_en.is_empty();
    ensure(named, "department.name_zh", "a name in Chinese or English is needed")?;
    ensure_of((1..=5).contains(&it.level), "department.level", || {
        format!("1 (province) to 5 (village), not {}", it.level)
    })?;
    division("department.division", &it.division)?;
    code_if_given("department.parent", &it.parent)?;
    code_if_given("department.guide", &it.guide)?;
    code("department.body", &it.body)?;
    rights("department.rights", &it.rights)?;
    root_keys(it.root.as_ref())
}
