//! Whether a grant that a record names is its own. Anybody can name any grant: what is another's stays on the trail that
//! it names, marked, but it counts on nothing, ends nothing and owes nothing.

use crate::items::member::identity;
use crate::items::sharing::grants;
use crate::ledger::{Draft, Halt};
use crate::place::Place;
use crate::types::{RequestId, limits};
use crate::wire::{self, GrantKind, Right};
use std::sync::Arc;

/// The grant that an access names, where it is the access's own: its dataset and collector are the grant's, and the
/// asker's department is the user, or of the class, or for a permit of the collector's body. Whoever follows on one of
/// them, or went before, stands for it.
pub(crate) fn named(
    draft: &Draft<'_>,
    it: &wire::RecordAccess,
    access: &wire::DatasetAccess,
) -> Result<Named, Halt> {
    let Ok(id) = RequestId::from_slice(&access.request_id) else { return Ok(Named::None) };
    let grant: Option<Arc<wire::Grant>> = draft.get(&Place::grant(&id))?;
    let Some(grant) = grant else { return Ok(Named::None) };
    let own = grant.dataset == access.dataset
        && is_one_line(draft, &grant.collector, &it.collector)?
        && asks(draft, it, &grant)?;
    Ok(if own { Named::Own(grant) } else { Named::Others })
}

/// What an access names.
pub(crate) enum Named {
    /// No grant, or none that there is.
    None,
    /// A grant of its own.
    Own(Arc<wire::Grant>),
    /// A grant that is another's.
    Others,
}

/// Whether any access of a record names a grant that is not its own.
pub(crate) fn names_others(draft: &Draft<'_>, it: &wire::RecordAccess) -> Result<bool, Halt> {
    Ok(of_others(draft, it)?.is_some())
}

/// The first grant that a record names and that is another's, in hexadecimal.
pub(crate) fn of_others(
    draft: &Draft<'_>,
    it: &wire::RecordAccess,
) -> Result<Option<String>, Halt> {
    for access in &it.accesses {
        if matches!(named(draft, it, access)?, Named::Others) {
            return Ok(Some(hex::encode(&access.request_id)));
        }
    }
    Ok(None)
}

/// Whether a grant is for the department of the record's asker.
fn asks(draft: &Draft<'_>, it: &wire::RecordAccess, grant: &wire::Grant) -> Result<bool, Halt> {
    let Some(asker) = it.asker.as_ref().filter(|asker| !asker.identity_id.is_empty()) else {
        return Ok(false);
    };
    if !identity::is_of(draft, &asker.identity_id, &asker.department)? {
        return Ok(false);
    }
    let department = |code: &str| -> Result<Option<Arc<wire::Department>>, Halt> {
        Ok(draft.get(&Place::department(code))?)
    };
    let Some(own) = department(&asker.department)? else { return Ok(false) };
    if let Some(class) = &grant.class {
        return Ok(own.rights.contains(&(Right::Use as i32)) && grants::is_of_class(&own, class));
    }
    if grant.kind() == GrantKind::Internal {
        let collector = department(&grant.collector)?;
        return Ok(collector.is_some_and(|it| it.body == own.body));
    }
    is_one_line(draft, &grant.using_department, &asker.department)
}

/// Whether two codes are one department, or one of them took the other's place.
fn is_one_line(draft: &Draft<'_>, one: &str, other: &str) -> Result<bool, Halt> {
    Ok(one == other || follows(draft, one, other)? || follows(draft, other, one)?)
}

/// Whether a department took the place of another, by some others in between perhaps.
fn follows(draft: &Draft<'_>, before: &str, after: &str) -> Result<bool, Halt> {
    let mut code = before.to_owned();
    for _ in 0..limits::SUPERIORS {
        let department: Option<Arc<wire::Department>> = draft.get(&Place::department(&code))?;
        let Some(next) = department.map(|it| it.successor.clone()).filter(|it| !it.is_empty())
        else {
            return Ok(false);
        };
        if next == after {
            return Ok(true);
        }
        code = next;
    }
    Ok(false)
}
