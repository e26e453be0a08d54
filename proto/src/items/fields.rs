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

/// A code: see [`crate::types::check_code`].
pub(crate) fn code(field: &'static str, text: &str) -> Checked {
    check_code(text).map_err(|e| wrong(field, e.to_string()))
}

/// A hash or an id.
pub(crate) fn id(field: &'static str, bytes: &[u8]) -> Checked {
    ensure(bytes.len() == 32, field, "32 bytes are needed")
}

/// A hash or an id, or nothing.
pub(crate) fn id_if_given(field: &'static str, bytes: &[u8]) -> Checked {
    ensure(bytes.is_empty() || bytes.len() == 32, field, "32 bytes or none are needed")
}

/// A list in strict order, of at most so many.
pub(crate) fn ascending<T: PartialOrd>(field: &'static str, list: &[T], limit: usize) -> Checked {
    ensure(list.len() <= limit, field, "too many entries")?;
    let sorted = list.iter().zip(list.iter().skip(1)).all(|(a, b)| a < b);
    ensure(sorted, field, "entries must be strictly ascending, each once")
}

/// A grade of sensitivity.
pub(crate) fn grade(field: &'static str, grade: u32) -> Checked {
    ensure((1..=4).contains(&grade), field, "a grade is 1 (open) to 4 (core)")
}

/// What a thing is called.
pub(crate) fn title(field: &'static str, text: &str) -> Checked {
    let fits = text.len() <= limits::TITLE_LENGTH && !text.chars().any(char::is_control);
    ensure(fits, field, "at most 256 bytes, no control characters")
}

/// A category of sharing.
pub(crate) fn category(field: &'static str, value: i32, wanted: bool) -> Checked {
    let known = wire::Category::try_from(value).map_err(|_| wrong(field, "unknown category"))?;
    ensure(!wanted || known != wire::Category::Unspecified, field, "a category is needed")
}

/// What is done with data.
pub(crate) fn operation(field: &'static str, value: i32) -> Checked {
    let known = wire::Operation::try_from(value).map_err(|_| wrong(field, "unknown operation"))?;
    ensure(known != wire::Operation::Unspecified, field, "an operation is needed")
}

/// A code, or nothing.
pub(crate) fn code_if_given(field: &'static str, text: &str) -> Checked {
    if text.is_empty() { Ok(()) } else { code(field, text) }
}

/// An administrative division, or the beginning of one.
pub(crate) fn division(field: &'static str, text: &str) -> Checked {
    let digits = text.len() <= 12 && text.bytes().all(|b| b.is_ascii_digit());
    ensure(digits, field, "a division is at most 12 digits")
}

/// Rights of a department.
pub(crate) fn rights(field: &'static str, rights: &[i32]) -> Checked {
    ascending(field, rights, 5)?;
    ensure(rights.iter().all(|it| (1..=5).contains(it)), field, "unknown right")
}

/// Whether it is one of the changes of standing.
pub(crate) fn standing_change(field: &'static str, value: i32) -> Checked {
    ensure((1..=3).contains(&value), field, "suspend, reinstate or revoke is needed")
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
    ensure(fits, "root.threshold", "the threshold is 1 to the number of keys")
}

/// A department to admit.
pub(crate) fn new_department(given: Option<&wire::NewDepartment>) -> Checked {
    let it = given.ok_or_else(|| wrong("department", "a department is needed"))?;
    code("department.code", &it.code)?;
    title("department.name_zh", &it.name_zh)?;
    title("department.name_en", &it.name_en)?;
    let named = !it.name_zh.is_empty() || !it.name_en.is_empty();
    ensure(named, "department.name_zh", "a name in Chinese or English is needed")?;
    ensure((1..=5).contains(&it.level), "department.level", "1 (province) to 5 (village)")?;
    division("department.division", &it.division)?;
    code_if_given("department.parent", &it.parent)?;
    code_if_given("department.guide", &it.guide)?;
    code("department.body", &it.body)?;
    rights("department.rights", &it.rights)?;
    root_keys(it.root.as_ref())
}
