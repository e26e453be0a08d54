//! Refusals as gRPC statuses with rich details, and back.

use crate::reason::{Reason, class_of, code};
use liuhen_proto::wire::Refused;
use std::collections::HashMap;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The domain of every reason.
pub const DOMAIN: &str = "liuhen";
const ITEM: &str = "item";
const EXPECTED_SEQ: &str = "expected_seq";
const MESSAGE_ZH: &str = "message_zh";

/// A status with a stable reason.
pub fn with_reason(reason: Reason, message: &str) -> Status {
    let (reason, message) = (reason.name().to_owned(), message.to_owned());
    of_refused(&Refused { reason, message, ..Refused::default() })
}

/// A refusal as a status, by the class of its reason.
pub fn of_refused(refused: &Refused) -> Status {
    let code = class_of(&refused.reason).map_or(Code::FailedPrecondition, code);
    let mut metadata = HashMap::new();
    if let Some(item) = refused.item {
        metadata.insert(ITEM.to_owned(), item.to_string());
    }
    if let Some(seq) = refused.expected_seq {
        metadata.insert(EXPECTED_SEQ.to_owned(), seq.to_string());
    }
    if !refused.message_zh.is_empty() {
        metadata.insert(MESSAGE_ZH.to_owned(), refused.message_zh.clone());
    }
    let details = ErrorDetails::with_error_info(&refused.reason, DOMAIN, metadata);
    Status::with_error_details(code, &refused.message, details)
}

/// The refusal that a status carries; its code's name as the reason if it carries none.
pub fn to_refused(status: &Status) -> Refused {
    let info = status.get_details_error_info().filter(|info| info.domain == DOMAIN);
    let number = |key: &str| {
        info.as_ref().and_then(|info| info.metadata.get(key)).and_then(|text| text.parse().ok())
    };
    let item = number(ITEM).and_then(|item: u64| u32::try_from(item).ok());
    let expected_seq = number(EXPECTED_SEQ);
    let reason = info.as_ref().map_or_else(|| format!("{:?}", status.code()), |i| i.reason.clone());
    let message_zh = info.as_ref().and_then(|info| info.metadata.get(MESSAGE_ZH).cloned());
    let (message, message_zh) = (status.message().to_owned(), message_zh.unwrap_or_default());
    Refused { reason, message, item, expected_seq, message_zh }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_travel_whole() {
        let refused = Refused {
            reason: "seq.wrong".into(),
            message: "the key's next seq is 7".into(),
            item: Some(3),
            expected_seq: Some(7),
            message_zh: "该密钥的下一个序号是 7".into(),
        };
        assert_eq!(to_refused(&of_refused(&refused)), refused);
        assert_eq!(to_refused(&Status::unavailable("away")).reason, "Unavailable");
    }
}
