//! Departments and identities: who belongs to the consortium, and with which keys.

pub(crate) mod admit_department;
pub(crate) mod assign_post;
pub(crate) mod change_department;
pub(crate) mod change_identity;
pub(crate) mod department;
pub(crate) mod identity;
pub(crate) mod objection;
pub(crate) mod register_identity;
pub(crate) mod replace_root;
pub(crate) mod rotate_keys;
pub(crate) mod succeed_department;

#[cfg(test)]
pub(crate) mod tests;
