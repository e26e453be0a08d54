//! What a gate gives with an access: gateway, number, grant and receipt, as they stand in a header or a cookie.

use liuhen_proto::types::{IdentityId, RequestId, TimeMs};
use liuhen_proto::wire::Receipt;
use prost::Message as _;

/// A gateway's clock is ahead by no more.
const AHEAD_MS: u64 = 3_600_000;

/// Whose access it was, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    /// The gateway.
    pub gateway: IdentityId,
    /// Its number.
    pub access_no: u64,
    /// The grant.
    pub request_id: RequestId,
    /// The gateway's word.
    pub receipt: Receipt,
    /// Whether the half is owed by itself, by what the gateway says beside its word.
    pub singly: Option<bool>,
}

impl Token {
    /// From `gateway;number;grant;receipt`, and `;1` where the half is owed by itself, `;0` where in the hour's sum; where `;` may be written `%3B`. `None` for what is none.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.replace("%3B", ";").replace("%3b", ";");
        let mut parts = text.trim().split(';');
        let gateway = parts.next()?.parse().ok()?;
        let access_no = parts.next()?.parse().ok().filter(|it| *it > 0)?;
        let request_id = parts.next()?.parse().ok()?;
        let receipt = Receipt::decode(hex::decode(parts.next()?).ok()?.as_slice()).ok()?;
        let singly = match parts.next() {
            None => None,
            Some("1") => Some(true),
            Some("0") => Some(false),
            Some(_) => return None,
        };
        let is_whole = parts.next().is_none() && receipt.signature.len() == 64;
        let is_whole = is_whole && receipt.key_id.len() == 32 && receipt.time_ms > 0;
        is_whole.then_some(Self { gateway, access_no, request_id, receipt, singly })
    }

    /// Whether it is of a time to come, further than clocks are apart: no gate signed that.
    pub fn is_ahead(&self, now: TimeMs) -> bool {
        self.receipt.time_ms > now.get().saturating_add(AHEAD_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_token() {
        let receipt = Receipt { key_id: vec![1; 32], time_ms: 7, signature: vec![2; 64] };
        let (id, grant) = ("11".repeat(32), "22".repeat(32));
        let good = format!("{id};41;{grant};{}", hex::encode(receipt.encode_to_vec()));
        let token = Token::read(&good).unwrap();
        assert_eq!((token.access_no, &token.receipt), (41, &receipt));
        assert_eq!(Token::read(&good.replace(';', "%3B")), Some(token));
        let token = Token::read(&good).unwrap();
        assert!(!token.is_ahead(TimeMs::new(0)) && !token.is_ahead(TimeMs::new(8)));
        let ahead = Receipt { time_ms: AHEAD_MS + 9, ..receipt.clone() };
        let ahead = Token { receipt: ahead, ..token };
        assert!(ahead.is_ahead(TimeMs::new(8)) && !ahead.is_ahead(TimeMs::new(9)));
        let owed = |more: &str| Token::read(&format!("{good}{more}")).map(|it| it.singly);
        assert_eq!(
            [owed(";1"), owed(";0"), owed("")],
            [Some(Some(true)), Some(Some(false)), Some(None)]
        );
        assert_eq!([owed(";2"), owed(";"), owed(";1;")], [None; 3]);
        let short = Receipt { signature: vec![2; 63], ..receipt };
        for bad in [
            String::new(),
            good.replace(";41;", ";0;"),
            good.replace(";41;", ";-1;"),
            good.replace(";41;", ";99999999999999999999;"),
            format!("{good};more"),
            good.replace(&grant, "22"),
            format!("{id};41;{grant};"),
            format!("{id};41;{grant};zz"),
            format!("{id};41;{grant};{}", hex::encode(short.encode_to_vec())),
        ] {
            assert_eq!(Token::read(&bad), None, "{bad}");
        }
    }
}
