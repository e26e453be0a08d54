//! Where is asked: [`nginx`] by `auth_request`, [`api`] by services themselves; [`follow`] reads how requests ended.

pub mod api;
pub mod follow;
pub mod nginx;
