//! Requests and grants (授权): who may use what, for what, until when.

pub(crate) mod amend_grant;
pub(crate) mod approve_exception;
pub(crate) mod confirm_grant;
pub(crate) mod decide_request;
pub(crate) mod delegate_grant;
pub(crate) mod emergency;
pub(crate) mod give_permit;
pub(crate) mod grant;
pub mod grants;
pub(crate) mod offer_standing;
pub(crate) mod reconfirm_grant;
pub(crate) mod request_access;
pub(crate) mod revoke_grant;
pub(crate) mod sensitivity;
pub(crate) mod supplement;
pub(crate) mod suspend_grant;
pub(crate) mod terms;

#[cfg(test)]
pub(crate) mod tests;
