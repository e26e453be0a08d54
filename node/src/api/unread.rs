//! Refusals of requests that can't be read: they come before any service is asked, from where messages are decoded, as
//! if they were this node's fault and without a reason.

use super::bad_argument;
use tonic::body::Body;
use tonic::codegen::http;
use tonic::{Code, Status};

/// The same answer; a refusal of that sort with a reason, as the caller's fault.
pub(super) fn with_reason_if_unread(response: http::Response<Body>) -> http::Response<Body> {
    match Status::from_header_map(response.headers()) {
        Some(status) if is_unread(&status) => told(&status).into_http(),
        _ => response,
    }
}

/// Services say why they refuse, decoding does not.
pub(super) fn is_unread(status: &Status) -> bool {
    matches!(status.code(), Code::Internal | Code::OutOfRange) && status.details().is_empty()
}

/// What the caller is told of it.
pub(super) fn told(status: &Status) -> Status {
    bad_argument("request", status.message())
}

#[cfg(test)]
mod tests {
    use super::*;
    use liuhen_rpc::reason::Reason;
    use liuhen_rpc::status::{to_refused, with_reason};

    fn after(status: Status) -> Status {
        let response = with_reason_if_unread(status.into_http());
        Status::from_header_map(response.headers()).expect("it is a refusal still")
    }

    #[test]
    fn what_could_not_be_read_is_the_callers_fault_and_what_failed_is_not() {
        for unread in [Status::internal("no message"), Status::out_of_range("too long")] {
            let told = after(unread.clone());
            assert_eq!(told.code(), Code::InvalidArgument);
            assert_eq!(to_refused(&told).reason, Reason::ArgumentBad.name());
            assert!(told.message().contains(unread.message()), "{}", told.message());
        }
        for reason in [Reason::NodeInternal, Reason::ProofTooLarge, Reason::NotFound] {
            let told = after(with_reason(reason, "why"));
            assert_eq!(to_refused(&told).reason, reason.name());
        }
        assert_eq!(after(Status::unimplemented("no such method")).code(), Code::Unimplemented);
    }
}
