//! What people name, found on the ledger: by an id in hexadecimal digits, or by the words that its maker gave it. Each way of
//! naming stands here once.
//!
//! Where nothing has a name the error is [`ClientError::NotFound`]; where several have it, or a text can't be such a name,
//! [`ClientError::Usage`], which says what would do. Errors of nodes show the words in place of ids: see [`crate::typed`].

use crate::connect::{Node, join};
use crate::error::ClientError;
use crate::event::Event;
use crate::lang::pick;
use crate::typed;
use liuhen_proto::place::TrailKind;
use liuhen_proto::types::{Hash, IdentityId, KeyId, TxId};
use liuhen_proto::wire::{self, trace::Claim};
use prost::Message;

/// What has names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Department,
    Identity,
    Dataset,
    Request,
    Grant,
    Proposal,
    Case,
    Product,
    Correction,
    SealingOrder,
    Record,
}

impl What {
    /// In English and Chinese.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Department => ("department", "部门"),
            Self::Identity => ("identity", "身份"),
            Self::Dataset => ("dataset", "目录项"),
            Self::Request => ("request", "申请"),
            Self::Grant => ("grant", "授权"),
            Self::Proposal => ("proposal", "提案"),
            Self::Case => ("case", "案件"),
            Self::Product => ("product", "数据产品"),
            Self::Correction => ("correction", "更正"),
            Self::SealingOrder => ("decision on sealing", "封存决定"),
            Self::Record => ("record", "记录"),
        }
    }

    /// That nothing has this name.
    fn missing(self, name: &str) -> ClientError {
        let (english, chinese) = self.words();
        match name {
            "" => ClientError::usage(format!("no {english} is named"), format!("未写明{chinese}")),
            name => ClientError::NotFound(format!("{} {name}", pick(english, chinese))),
        }
    }

    /// That so many have this reference.
    fn several(self, count: usize, name: &str) -> ClientError {
        let (english, chinese) = self.words();
        let (or_so, or_so_zh) = match self {
            Self::Request => (format!("{name}@dataset, or "), format!("{name}@目录项，或 ")),
            _ => (String::new(), String::new()),
        };
        ClientError::usage(
            format!("{count} {english}s have the reference {name}: say {or_so}the id"),
            format!("有 {count} 个{chinese}的文号为 {name}：请写 {or_so_zh}id"),
        )
    }

    /// The only one that was found.
    fn only<T>(self, name: &str, mut found: Vec<T>) -> Result<T, ClientError> {
        match (found.pop(), found.len()) {
            (Some(only), 0) => Ok(only),
            (None, _) => Err(self.missing(name)),
            (Some(_), more) => Err(self.several(more.saturating_add(1), name)),
        }
    }

    /// The id of the only one of some, ids with references, that has a reference.
    fn by_reference(
        self,
        name: &str,
        all: impl Iterator<Item = (Vec<u8>, String)>,
    ) -> Result<Vec<u8>, ClientError> {
        let found = all.filter(|(_, reference)| reference == name);
        let id = self.only(name, found.map(|(id, _)| id).collect())?;
        typed::note(&id, name);
        Ok(id)
    }
}

/// That a text is no such name, and what would be.
pub fn no_name(text: &str, needed: &str, needed_zh: &str) -> ClientError {
    ClientError::usage(
        format!("`{text}`: {needed} is needed"),
        format!("“{text}”：应为{needed_zh}"),
    )
}

/// The id that a text is, 32 bytes. Errors for any other text.
pub fn id(text: &str) -> Result<Vec<u8>, ClientError> {
    let bad = |_| no_name(text, "an id of 64 hexadecimal digits", " 64 位十六进制 id");
    Ok(text.parse::<Hash>().map_err(bad)?.to_vec())
}

/// The key id that a text is. Errors for any other text.
pub fn key_id(text: &str) -> Result<KeyId, ClientError> {
    let bad = |_| no_name(text, "a key id of 64 hexadecimal digits", " 64 位十六进制密钥 id");
    text.parse().map_err(bad)
}

/// The id of a transaction that a text is. Errors for any other text.
pub fn transaction(text: &str) -> Result<TxId, ClientError> {
    let bad =
        |_| no_name(text, "a transaction's id of 64 hexadecimal digits", " 64 位十六进制交易 id");
    text.parse().map_err(bad)
}

/// An item of a transaction, `id` or `id:item`; without a number its first. Errors for any other text.
pub fn item(text: &str) -> Result<(TxId, u32), ClientError> {
    let (id, number) = text.split_once(':').unwrap_or((text, "0"));
    let bad =
        |_| no_name(text, "a transaction's id, or id:item with a number,", "交易 id 或 id:序号");
    Ok((transaction(id)?, number.parse().map_err(bad)?))
}

/// What is a collector's, `collector/64 hexadecimal digits`: the tag of a subject, or the key that it follows from. Errors for
/// any other text.
pub fn of_collector(text: &str) -> Result<(String, Hash), ClientError> {
    let bad = || no_name(text, "collector/64 hexadecimal digits", "“归集部门/64 位十六进制数”");
    let (collector, digits) = text.split_once('/').ok_or_else(bad)?;
    Ok((collector.to_owned(), digits.parse().map_err(|_| bad())?))
}

impl Node {
    /// A department, by its code.
    pub async fn department(&self, code: &str) -> Result<wire::Department, ClientError> {
        let found = self.departments().await?.into_iter().find(|it| it.code == code);
        found.ok_or_else(|| What::Department.missing(code))
    }

    /// A dataset's entry in the catalogue, by its code.
    pub async fn dataset(&self, code: &str) -> Result<wire::RegisterDataset, ClientError> {
        Ok(self.dataset_whole(code).await?.registration.unwrap_or_default())
    }

    /// A dataset, with the newest version of its data, by its code.
    pub async fn dataset_whole(&self, code: &str) -> Result<wire::Dataset, ClientError> {
        let is = |it: &wire::Dataset| it.registration.as_ref().is_some_and(|r| r.dataset == code);
        let found = self.datasets("").await?.into_iter().find(is);
        found.ok_or_else(|| What::Dataset.missing(code))
    }

    /// An identity, by `department/code` or its id.
    pub async fn identity(&self, name: &str) -> Result<wire::Identity, ClientError> {
        match name.parse::<IdentityId>() {
            Ok(_) => {
                let found = self.identity_whole(name).await?.identity;
                found.ok_or_else(|| What::Identity.missing(name))
            }
            Err(_) => self.identity_by_code(name).await,
        }
    }

    /// An identity with its keys and department, by `department/code` or its id.
    pub async fn identity_whole(
        &self,
        name: &str,
    ) -> Result<wire::GetIdentityResponse, ClientError> {
        let identity_id = self.identity_id(name).await?.to_vec();
        let request = wire::GetIdentityRequest { identity_id };
        Ok(self.registry().get_identity(request).await?.into_inner())
    }

    /// The id of an identity, by `department/code`. An id is not looked up.
    pub async fn identity_id(&self, name: &str) -> Result<IdentityId, ClientError> {
        match name.parse() {
            Ok(id) => Ok(id),
            Err(_) => {
                let found = self.identity_by_code(name).await?;
                IdentityId::from_slice(&found.identity_id).map_err(ClientError::failed)
            }
        }
    }

    async fn identity_by_code(&self, name: &str) -> Result<wire::Identity, ClientError> {
        let bad = || no_name(name, "department/code", "“部门/代码”");
        let (department, code) = name.split_once('/').ok_or_else(bad)?;
        let found = self.identities(department).await?.into_iter().find(|it| it.code == code);
        let found = found.ok_or_else(|| What::Identity.missing(name))?;
        typed::note(&found.identity_id, name);
        Ok(found)
    }

    /// A request with what became of it, by its id, a reference that only one has, or `reference@dataset`.
    pub async fn request(&self, name: &str) -> Result<wire::RequestStanding, ClientError> {
        if let Ok(request_id) = id(name) {
            let wanted = wire::GetRequestRequest { request_id };
            return Ok(self.registry().get_request(wanted).await?.into_inner());
        }
        if name.is_empty() {
            return Err(What::Request.missing(name));
        }
        let (reference, dataset) = name.split_once('@').unwrap_or((name, ""));
        let wanted = wire::ListRequestsRequest {
            reference: reference.to_owned(),
            dataset: dataset.to_owned(),
            ..wire::ListRequestsRequest::default()
        };
        let found = What::Request.only(name, self.requests(wanted).await?)?;
        let id = found.request.as_ref().map(|it| it.request_id.as_slice());
        typed::note(id.unwrap_or_default(), name);
        Ok(found)
    }

    /// The id of a request, and of the grant that came of it, by any of [`Self::request`]'s names.
    pub async fn request_id(&self, name: &str) -> Result<Vec<u8>, ClientError> {
        Ok(self.request(name).await?.request.unwrap_or_default().request_id)
    }

    /// A grant, by any name of its request.
    pub async fn grant(&self, name: &str) -> Result<wire::Grant, ClientError> {
        let grant = self.request(name).await?.grant;
        grant.ok_or_else(|| What::Grant.missing(name))
    }

    /// A proposal, by its id or a reference that only one has.
    pub async fn proposal(&self, name: &str) -> Result<wire::Proposal, ClientError> {
        let wanted = id(name).ok();
        let is = |it: &wire::Proposal| match (&wanted, &it.proposed) {
            (Some(id), _) => it.proposal_id == *id,
            (None, proposed) => proposed.as_ref().is_some_and(|it| it.reference == name),
        };
        let found = self.proposals().await?.into_iter().filter(is).collect();
        let found: wire::Proposal = What::Proposal.only(name, found)?;
        typed::note(&found.proposal_id, name);
        Ok(found)
    }

    /// The id of a case, by a reference that only one has of those that the caller may see. An id is not looked up.
    pub async fn case_id(&self, name: &str) -> Result<Vec<u8>, ClientError> {
        if let Ok(id) = id(name) {
            return Ok(id);
        }
        let named = |it: wire::Case| it.opened.map(|made| (it.case_id, made.reference));
        What::Case.by_reference(name, self.cases().await?.into_iter().filter_map(named))
    }

    /// The id of a product, by a reference that only one has of those that the caller may see. An id is not looked up.
    pub async fn product_id(&self, name: &str) -> Result<Vec<u8>, ClientError> {
        if let Ok(id) = id(name) {
            return Ok(id);
        }
        let named = |it: wire::Product| it.registered.map(|made| (it.product_id, made.reference));
        What::Product.by_reference(name, self.products().await?.into_iter().filter_map(named))
    }

    /// A correction that the caller may see, by its id.
    pub async fn correction(&self, name: &str) -> Result<wire::Correction, ClientError> {
        let id = id(name)?;
        let found = self.corrections().await?.into_iter().find(|it| it.correction_id == id);
        found.and_then(|it| it.correction).ok_or_else(|| What::Correction.missing(name))
    }

    /// A decision on sealing that the caller may see, by its id.
    pub async fn sealing_order(&self, name: &str) -> Result<wire::SealingOrder, ClientError> {
        let id = id(name)?;
        let found = self.sealing_orders().await?.into_iter().find(|it| it.order_id == id);
        found.ok_or_else(|| What::SealingOrder.missing(name))
    }

    /// A gateway and one of its numbers, by `department/gateway#number`. That there is such a record is not looked up.
    pub async fn access(&self, name: &str) -> Result<(IdentityId, u64), ClientError> {
        let bad = || no_name(name, "department/gateway#number", "“部门/闸口#访问号”");
        let (gateway, number) = name.split_once('#').ok_or_else(bad)?;
        let number = number.parse().map_err(|_| bad())?;
        Ok((self.identity_id(gateway).await?, number))
    }

    /// An event, by `department/gateway#number`, or as an [`item`] of a transaction.
    pub async fn event(&self, name: &str) -> Result<Event, ClientError> {
        if name.contains('#') {
            let (gateway, number) = self.access(name).await?;
            let events = self.whole_trail(TrailKind::Gateway, gateway.to_vec()).await?;
            let found = events.into_iter().find(|event| event.access_no() == Some(number));
            return found.ok_or_else(|| What::Record.missing(name));
        }
        let (tx_id, item) = item(name)?;
        let request = wire::ProveEventRequest { tx_id: tx_id.to_vec(), item, ..Default::default() };
        proved(&join(self.proofs().prove_event(request).await?.into_inner()).await?)
    }

    /// The transaction and the number of an event's item, by any of [`Self::event`]'s names. A transaction is not looked up.
    pub async fn item_of_event(&self, name: &str) -> Result<(TxId, u32), ClientError> {
        if !name.contains('#') {
            return item(name);
        }
        let leaf = self.event(name).await?.leaf;
        Ok((leaf.origin, leaf.item))
    }
}

/// The event that a proof file is of; the proof itself is not checked.
fn proved(file: &[u8]) -> Result<Event, ClientError> {
    let trace = wire::Trace::decode(file).map_err(ClientError::failed)?;
    let missing = || ClientError::failed("the node sent a proof without the event");
    let Some(Claim::Inclusion(claim)) = trace.claim else { return Err(missing()) };
    let event = claim.event.ok_or_else(missing)?;
    let transaction = usize::try_from(event.transaction).unwrap_or(usize::MAX);
    let header = trace.transactions.get(transaction).map(|it| it.header.clone());
    Event::from_wire(&wire::TrailEvent {
        number: 0,
        leaf: event.leaf,
        header: header.unwrap_or_default(),
        item: event.item,
        ledger_event: event.ledger_event,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGITS: &str = "0101010101010101010101010101010101010101010101010101010101010101";

    #[test]
    fn what_can_be_no_name_is_a_matter_of_usage() {
        assert_eq!(id(DIGITS).unwrap(), [1; 32]);
        assert_eq!(item(DIGITS).unwrap(), (TxId::new([1; 32]), 0));
        assert_eq!(item(&format!("{DIGITS}:7")).unwrap(), (TxId::new([1; 32]), 7));
        let (collector, tag) = of_collector(&format!("gz.psb/{DIGITS}")).unwrap();
        assert_eq!((collector.as_str(), tag), ("gz.psb", Hash::new([1; 32])));
        let bad = ["", "case-1", &DIGITS[2..], &format!("{DIGITS}00"), &format!("{DIGITS}:x")];
        for text in bad {
            let errors = [id(text).err(), key_id(text).err(), item(text).err()];
            for error in errors.into_iter().chain([of_collector(text).err()]) {
                assert_eq!(error.unwrap().exit_code(), 2, "{text}");
            }
        }
    }

    #[test]
    fn only_one_may_have_a_reference() {
        let named = |names: &[&str]| {
            let all = (1..).zip(names).map(|(byte, name)| (vec![byte; 32], (*name).to_owned()));
            What::Case.by_reference("a", all)
        };
        assert_eq!(named(&["b", "a"]).unwrap(), [2; 32]);
        assert_eq!(named(&["b"]).unwrap_err().exit_code(), 5);
        let several = named(&["a", "b", "a"]).unwrap_err();
        assert_eq!(several.to_string(), "2 cases have the reference a: say the id");
        assert_eq!(several.exit_code(), 2);
        assert_eq!(What::Case.missing("").exit_code(), 2);
    }
}
