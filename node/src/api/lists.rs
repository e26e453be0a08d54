//! Lists in pages: of so many entries and so many bytes at most, and of so much work: a page that looked at many entries which it
//! does not show ends, perhaps empty, and its token goes on. A token is bound to its question.

use super::{bad_argument, of_store};
use crate::app::Chain;
use crate::codec;
use bincode::{Decode, Encode};
use liuhen_proto::ledger::Object;
use liuhen_proto::place::{ObjectKind, Place};
use liuhen_proto::suite::hash::{Domain, hash};
use liuhen_proto::wire;
use prost::Message;
use std::ops::ControlFlow;
use std::sync::Arc;
use tonic::Status;

/// Entries of a page at most.
const MOST: u32 = 1000;
/// Bytes of a page, but for one entry that is larger by itself.
const BYTES: usize = 4 << 20;
/// Entries that a page looks at, shown or not.
const LOOKED_AT: usize = 20_000;
/// Bytes of an id that a token tells of an entry which it does not show: too few to name it.
const TOLD: usize = 4;

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
    /// The next entry's id is not before this.
    from: Vec<u8>,
    asked: [u8; 8],
}

/// A page that is being filled, from entries in the order of their ids.
#[derive(Debug)]
pub(super) struct Pager {
    from: Vec<u8>,
    asked: [u8; 8],
    left: usize,
    bytes: usize,
    is_empty: bool,
    more: bool,
    looks_left: usize,
    last_looked_at: Vec<u8>,
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
        let from = match token.as_str() {
            "" => Vec::new(),
            token => {
                let known = hex::decode(token).ok().and_then(|it| codec::decode::<Token>(&it).ok());
                let known = known.filter(|it| it.asked == asked);
                known.ok_or_else(|| bad_argument("page_token", "of another question"))?.from
            }
        };
        Ok(Self {
            from,
            asked,
            left: usize::try_from(size).unwrap_or(usize::MAX),
            bytes: BYTES,
            is_empty: true,
            more: false,
            looks_left: LOOKED_AT,
            last_looked_at: Vec::new(),
        })
    }

    /// The first id that the page may have; empty for the first page.
    pub(super) fn from(&self) -> &[u8] {
        &self.from
    }

    /// Whether the page looks at one more entry, which the caller perhaps may not see; where not the page is done.
    pub(super) fn looks_at(&mut self, id: &[u8]) -> bool {
        self.looks(id.get(..TOLD).unwrap_or(id))
    }

    /// As `looks_at`, of an entry that the caller may see.
    pub(super) fn looks_at_own(&mut self, id: &[u8]) -> bool {
        self.looks(id)
    }

    fn looks(&mut self, told: &[u8]) -> bool {
        if self.looks_left == 0 && told != self.last_looked_at {
            // All that was looked at is before this.
            (self.more, self.from) = (true, told.to_vec());
            return false;
        }
        self.looks_left = self.looks_left.saturating_sub(1);
        self.last_looked_at = told.to_vec();
        true
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
        // Right behind the id in the order of bytes.
        self.from = [id, &[0]].concat();
        true
    }

    /// The token of the next page; empty where there is none.
    pub(super) fn next(self) -> String {
        if !self.more {
            return String::new();
        }
        let token = Token { from: self.from, asked: self.asked };
        codec::encode(&token).map(hex::encode).unwrap_or_default()
    }
}

/// Gives the page the objects of a kind from its first on, one after another, until it is done.
pub(super) fn fill<T>(
    chain: &Chain,
    kind: ObjectKind,
    pager: &mut Pager,
    mut entry: impl FnMut(&mut Pager, Place, Arc<T>) -> Result<ControlFlow<()>, Status>,
) -> Result<(), Status>
where
    Arc<T>: TryFrom<Object>,
{
    for found in chain.index().list_from(kind, &pager.from.clone()) {
        let (place, object) = found.map_err(|e| of_store(&e))?;
        if !pager.looks_at(place.id()) {
            break;
        }
        let Ok(object) = Arc::<T>::try_from(object) else { continue };
        if entry(pager, place, object)?.is_break() {
            break;
        }
    }
    Ok(())
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
                if pager.from() > [number].as_slice() {
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

    /// A page that shows nothing of what it looks at ends as well. Its token tells of no entry more than the beginning of its id,
    /// and passes over none.
    #[test]
    fn a_page_that_looks_at_much_and_shows_nothing() {
        let ids: Vec<[u8; 6]> = (0..50_000u32)
            .map(|it| {
                let [_, a, b, c] = it.to_be_bytes();
                [7, a, b, c / 3, c % 3, 9]
            })
            .collect();
        let wanted = |id: &[u8; 6]| id[3] == 80 && id[4] == 2;
        let mut request = wire::ListRequestsRequest::default();
        let (mut shown, mut asked) = (Vec::new(), 0);
        loop {
            let mut pager = Pager::of(&request).unwrap();
            let from = pager.from().to_vec();
            let mut looked_at = 0;
            for id in ids.iter().filter(|id| id.as_slice() >= from.as_slice()) {
                if !pager.looks_at(id) {
                    break;
                }
                looked_at += 1;
                if wanted(id) {
                    assert!(pager.takes(id, &wire::ProofChunk::default()));
                    shown.push(*id);
                }
            }
            assert!(looked_at <= LOOKED_AT + 3, "{looked_at}");
            asked += 1;
            request.page_token = pager.next();
            if request.page_token.is_empty() {
                break;
            }
            let token: Token = codec::decode(&hex::decode(&request.page_token).unwrap()).unwrap();
            assert!(token.from.len() <= TOLD, "{:?}", token.from);
        }
        let expected: Vec<_> = ids.iter().copied().filter(wanted).collect();
        assert!(!expected.is_empty());
        assert_eq!((shown, asked), (expected, 3));
    }

    /// An id as short as what is told of it is not passed over.
    #[test]
    fn short_ids_are_not_passed_over() {
        let request = wire::ListRequestsRequest::default();
        let mut pager = Pager::of(&request).unwrap();
        for number in 0..LOOKED_AT {
            assert!(pager.looks_at(&(number as u32).to_be_bytes()[1..]));
        }
        assert!(!pager.looks_at(b"\xFFgz"));
        assert_eq!(pager.from(), b"\xFFgz");
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
