//! Page tokens: opaque to the caller, bound to trail, filter, order and the height of the first
//! page. Small enough to be read by whoever debugs: hexadecimal bincode.

use crate::codec;
use bincode::{Decode, Encode};
use liuhen_proto::suite::hash::{Domain, hash};
use liuhen_proto::wire::GetTrailRequest;
use prost::Message;

/// Where a reader of a trail stands.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Page {
    /// The number to go on from.
    pub(super) from: u64,
    /// The trail's size when the first page was read.
    pub(super) size: u64,
    /// The height then.
    pub(super) height: u64,
    asked: [u8; 8],
}

impl Page {
    pub(super) fn new(request: &GetTrailRequest, from: u64, size: u64, height: u64) -> Self {
        Self { from, size, height, asked: asked(request) }
    }

    pub(super) fn to_token(&self) -> String {
        codec::encode(self).map(hex::encode).unwrap_or_default()
    }

    /// `None` for a token that is not of this request.
    pub(super) fn from_token(request: &GetTrailRequest) -> Option<Self> {
        let page: Self = codec::decode(&hex::decode(&request.page_token).ok()?).ok()?;
        (page.asked == asked(request)).then_some(page)
    }
}

/// What was asked for, but for token and size of page.
fn asked(request: &GetTrailRequest) -> [u8; 8] {
    let mut request = request.clone();
    request.page_token.clear();
    request.page_size = 0;
    let digest = hash(Domain::Digest, &[&request.encode_to_vec()]);
    digest.as_bytes().first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_bound_to_what_was_asked() {
        let mut request = GetTrailRequest { trail_kind: 4, ..GetTrailRequest::default() };
        let page = Page::new(&request, 10, 20, 3);
        request.page_token = page.to_token();
        request.page_size = 7;
        assert_eq!(Page::from_token(&request), Some(page));
        request.newest_first = true;
        assert_eq!(Page::from_token(&request), None);
        request.page_token = "zz".into();
        assert_eq!(Page::from_token(&request), None);
    }
}
