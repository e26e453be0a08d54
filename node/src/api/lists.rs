//! Lists in pages: of so many entries and so many bytes at most; a token, bound to the question, goes on behind the last.

use super::bad_argument;
use crate::codec;
use bincode::{Decode, Encode};
use liuhen_proto::suite::hash::{Domain, hash};
use liuhen_proto::wire;
use prost::Message;
use tonic::Status;

/// Entries of a page at most.
const MOST: u32 = 1000;
/// Bytes of a page, but for one entry that is larger by itself.
const BYTES: usize = 4 << 20;

/// A question that is answered in pages.
pub(super) trait Listing: Message + Clone + Default {
    /// Its name: tokens of one are none of another.
    const NAME: &'static str;

    /// How many entries a page has at most, where it does not say.
    const DEFAULT: u32 = MOST;

    /// How many are asked for, and behind what.
    fn page(&mut self) -> (&mut u32, &mut String);
}

macro_rules! listings {
    ($($request:ident . $size:ident $(= $default:literal)?;)+) => { $(
        impl Listing for wire::$request {
            const NAME: &'static str = stringify!($request);
            $(const DEFAULT: u32 = $default;)?

            fn page(&mut self) -> (&mut u32, &mut String) {
                (&mut self.$size, &mut self.page_token)
            }
        }
    )+ };
}

listings! {
    ListProposalsRequest.page_size;
    ListDepartmentsRequest.page_size;
    ListIdentitiesRequest.page_size;
    ListDatasetsRequest.page_size;
    ListRequestsRequest.page_size;
    ListIntegrityRequest.limit = 100;
    ListAlertsRequest.limit = 100;
    ListCasesRequest.page_size;
    ListProductsRequest.page_size;
    ListCorrectionsRequest.page_size;
    ListSealingRequest.page_size;
}

/// Where a reader of a list stands.
#[derive(Debug, PartialEq, Eq, Encode, Decode)]
struct Token {
    /// The id of the last entry that was shown.
    after: Vec<u8>,
    asked: [u8; 8],
}

/// A page that is being filled, from entries in the order of their ids.
#[derive(Debug)]
pub(super) struct Pager {
    after: Vec<u8>,
    asked: [u8; 8],
    left: usize,
    bytes: usize,
    is_empty: bool,
    more: bool,
}

impl Pager {
    /// The page that is asked for.
    pub(super) fn of<L: Listing>(request: &L) -> Result<Self, Status> {
        let mut question = request.clone();
        let (size, token) = question.page();
        let (size, token) = (std::mem::take(size), std::mem::take(token));
        let digest = hash(Domain::Digest, &[L::NAME.as_bytes(), &question.encode_to_vec()]);
        let asked = digest.as_bytes().first_chunk().copied().unwrap_or_default();
        let size = if size == 0 { L::DEFAULT } else { size.min(MOST) };
        let after = match token.as_str() {
            "" => Vec::new(),
            token => {
                let known = hex::decode(token).ok().and_then(|it| codec::decode::<Token>(&it).ok());
                let known = known.filter(|it| it.asked == asked);
                known.ok_or_else(|| bad_argument("page_token", "of another question"))?.after
            }
        };
        let left = usize::try_from(size).unwrap_or(usize::MAX);
        Ok(Self { after, asked, left, bytes: BYTES, is_empty: true, more: false })
    }

    /// Whether an entry stands behind the page before.
    pub(super) fn is_behind(&self, id: &[u8]) -> bool {
        self.after.as_slice() < id
    }

    /// The id behind which the page begins; empty for the first.
    pub(super) fn after(&self) -> &[u8] {
        &self.after
    }

    /// Whether an entry of so many bytes still has room; where not the page is done.
    pub(super) fn takes(&mut self, id: &[u8], entry: &impl Message) -> bool {
        let bytes = entry.encoded_len();
        if self.left == 0 || (!self.is_empty && bytes > self.bytes) {
            self.more = true;
            return false;
        }
        (self.left, self.bytes) = (self.left - 1, self.bytes.saturating_sub(bytes));
        self.is_empty = false;
        self.after = id.to_vec();
        true
    }

    /// The token of the next page; empty where there is none.
    pub(super) fn next(self) -> String {
        if !self.more {
            return String::new();
        }
        let token = Token { after: self.after, asked: self.asked };
        codec::encode(&token).map(hex::encode).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pages of numbers from 1 on, each an entry of so many bytes.
    fn pages(size: u32, count: u8, bytes: usize) -> Vec<Vec<u8>> {
        let entry = wire::ProofChunk { data: vec![0; bytes] };
        let mut request = wire::ListDatasetsRequest { page_size: size, ..Default::default() };
        let mut pages = Vec::new();
        loop {
            let mut pager = Pager::of(&request).unwrap();
            let mut page = Vec::new();
            for number in 1..=count {
                if !pager.is_behind(&[number]) {
                    continue;
                }
                if !pager.takes(&[number], &entry) {
                    break;
                }
                page.push(number);
            }
            pages.push(page);
            request.page_token = pager.next();
            if request.page_token.is_empty() {
                return pages;
            }
        }
    }

    #[test]
    fn pages_go_on_where_the_last_ended() {
        assert_eq!(pages(2, 5, 1), [vec![1, 2], vec![3, 4], vec![5]]);
        assert_eq!(pages(2, 4, 1), [vec![1, 2], vec![3, 4]]);
        assert_eq!(pages(0, 3, 1), [vec![1, 2, 3]]);
        assert_eq!(pages(0, 0, 1), [Vec::<u8>::new()]);
        // By bytes; what is larger than a page stands alone.
        assert_eq!(pages(0, 3, BYTES / 2 + 1), [vec![1], vec![2], vec![3]]);
        assert_eq!(pages(0, 2, 2 * BYTES), [vec![1], vec![2]]);
        assert_eq!(pages(5000, 3, 1), [vec![1, 2, 3]]);
    }

    #[test]
    fn a_token_is_of_one_question() {
        let mut first =
            Pager::of(&wire::ListDatasetsRequest { page_size: 1, ..Default::default() }).unwrap();
        let entry = wire::ProofChunk::default();
        assert!(first.takes(&[1], &entry) && !first.takes(&[2], &entry));
        let token = first.next();
        let with = |collector: &str, page_token: &str| {
            let (collector, page_token) = (collector.to_owned(), page_token.to_owned());
            Pager::of(&wire::ListDatasetsRequest { collector, page_size: 7, page_token })
        };
        assert!(with("", &token).is_ok());
        assert!(with("gz.psb", &token).is_err());
        assert!(with("", "zz").is_err());
        let other = wire::ListProposalsRequest { page_token: token, ..Default::default() };
        assert!(Pager::of(&other).is_err());
    }
}
