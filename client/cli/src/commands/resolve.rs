//! What is typed for trails, objects and what a case is about, turned into what a node is asked for. How a thing is found by
//! one name of its own is the client library's [`liuhen_client::resolve`].

use clap::ValueEnum;
use liuhen_client::connect::Node;
use liuhen_client::error::ClientError;
use liuhen_client::resolve::{id, key_id, no_name, of_collector};
use liuhen_proto::place::{ObjectKind, TrailKind};
use liuhen_proto::subject;
use liuhen_proto::wire;

/// Which trail
#[derive(Debug, clap::Args)]
pub(super) struct TrailName {
    /// What the trail is about
    kind: TrailWord,
    /// Dataset or department code; grant, use and acknowledgements: request id, reference or
    /// reference@dataset; gateway, identity and identity-integrity: department/code; key: key id;
    /// subject: collector/tag; bulk-tags: department/gateway#number; case and product: id or
    /// reference; governance: none; story: an event, as a transaction's id, id:item, or
    /// department/gateway#number
    #[arg(default_value = "")]
    pub(super) id: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TrailWord {
    Dataset,
    Grant,
    Use,
    Gateway,
    Key,
    Subject,
    Department,
    Identity,
    Integrity,
    Governance,
    IdentityIntegrity,
    Acknowledgements,
    Sealed,
    Unlisted,
    Alert,
    Case,
    Product,
    BulkTags,
    /// Not a trail: all that led to an event, and what came of it
    Story,
}

impl TrailName {
    pub(super) fn new(kind: TrailWord, id: String) -> Self {
        Self { kind, id }
    }

    /// Whether it names an event, whose story is wanted.
    pub(super) fn is_story(&self) -> bool {
        self.kind == TrailWord::Story
    }

    /// Kind and id, names resolved. Errors for a story, which is no trail.
    pub(super) async fn resolve(&self, node: &Node) -> Result<(TrailKind, Vec<u8>), ClientError> {
        use TrailWord as Of;
        let name = self.id.as_str();
        let request = async |kind| Ok((kind, node.request_id(name).await?));
        let identity = async |kind| Ok((kind, node.identity_id(name).await?.to_vec()));
        let department = async |kind| Ok((kind, node.department(name).await?.code.into_bytes()));
        match self.kind {
            Of::Dataset => Ok((TrailKind::Dataset, node.dataset(name).await?.dataset.into_bytes())),
            Of::Grant => request(TrailKind::Grant).await,
            Of::Use => request(TrailKind::Use).await,
            Of::Acknowledgements => request(TrailKind::Acknowledgements).await,
            Of::Gateway => identity(TrailKind::Gateway).await,
            Of::Identity => identity(TrailKind::Identity).await,
            Of::IdentityIntegrity => identity(TrailKind::IdentityIntegrity).await,
            Of::Department => department(TrailKind::Department).await,
            Of::Integrity => department(TrailKind::Integrity).await,
            Of::Sealed => department(TrailKind::Sealed).await,
            Of::Unlisted => department(TrailKind::Unlisted).await,
            Of::Alert => department(TrailKind::Alert).await,
            Of::Governance => Ok((TrailKind::Governance, Vec::new())),
            Of::Case => Ok((TrailKind::Case, node.case_id(name).await?)),
            Of::Product => Ok((TrailKind::Product, node.product_id(name).await?)),
            Of::Key => Ok((TrailKind::Key, key_id(name)?.to_vec())),
            Of::Subject => {
                let (collector, tag) = of_collector(name)?;
                Ok((TrailKind::Subject, [collector.as_bytes(), tag.as_bytes()].concat()))
            }
            Of::BulkTags => {
                let (gateway, number) = node.access(name).await?;
                let id = [gateway.as_bytes().as_slice(), &number.to_be_bytes()].concat();
                Ok((TrailKind::BulkTags, id))
            }
            Of::Story => Err(ClientError::usage(
                "a story is no trail: it is for `liuhen trail`",
                "story 不是轨迹：请用 liuhen trail",
            )),
        }
    }

    /// As people call it.
    pub(super) fn name(&self) -> String {
        let kind = self.kind.to_possible_value();
        let kind = kind.as_ref().map_or("", |it| it.get_name());
        format!("{kind} {}", self.id).trim_end().to_owned()
    }
}

/// The key that a subject shows; nothing where none is given.
pub(super) fn subject_key(text: Option<&str>) -> Result<Vec<u8>, ClientError> {
    let bytes = hex::decode(text.unwrap_or_default());
    bytes.map_err(|e| ClientError::Usage(format!("--subject-key: {e}")))
}

/// Tags as given, and those that follow from keys.
pub(super) fn subject_tags(
    tags: &[String],
    keys: &[String],
) -> Result<Vec<wire::SubjectTag>, ClientError> {
    let mut all = Vec::with_capacity(tags.len().saturating_add(keys.len()));
    for text in tags {
        let (collector, tag) = of_collector(text)?;
        all.push(wire::SubjectTag { collector, tag: tag.to_vec(), subject_key: Vec::new() });
    }
    for text in keys {
        let (collector, key) = of_collector(text)?;
        let (tag, subject_key) = (subject::tag(&key).to_vec(), key.to_vec());
        all.push(wire::SubjectTag { collector, tag, subject_key });
    }
    Ok(all)
}

fn no_kind(kind: &str) -> ClientError {
    let all: Vec<String> = ObjectKind::ALL.iter().map(|kind| kind.name()).collect();
    let all = all.join(", ");
    ClientError::usage(
        format!("`{kind}` is no kind of object; there are: {all}"),
        format!("“{kind}”不是对象种类；有：{all}"),
    )
}

/// Kind and id of an object, names resolved. An id is not looked up: that there is no such object can be proved.
pub(super) async fn object(
    node: &Node,
    kind: &str,
    name: &str,
) -> Result<(ObjectKind, Vec<u8>), ClientError> {
    use ObjectKind as Is;
    let kind = Is::from_name(kind).ok_or_else(|| no_kind(kind))?;
    let id = match kind {
        Is::Identity | Is::Gateway | Is::GatewaySetup | Is::IdentityWatch if name.contains('/') => {
            node.identity_id(name).await?.to_vec()
        }
        Is::Score if name.contains('/') => {
            [&[0xff][..], node.identity_id(name).await?.as_bytes()].concat()
        }
        Is::Department
        | Is::Dataset
        | Is::Beneath
        | Is::IdentityName
        | Is::Audit
        | Is::DatasetGateways
        | Is::AlertBook
        | Is::Roster
        | Is::UnknownCount
        | Is::Score => name.as_bytes().to_vec(),
        Is::Request | Is::Grant | Is::GrantUse | Is::GrantProducts => match id(name) {
            Ok(id) => id,
            Err(_) => node.request_id(name).await?,
        },
        Is::Proposal => match id(name) {
            Ok(id) => id,
            Err(_) => node.proposal(name).await?.proposal_id,
        },
        Is::Case => node.case_id(name).await?,
        Is::Product => node.product_id(name).await?,
        Is::Identity
        | Is::Gateway
        | Is::GatewaySetup
        | Is::IdentityWatch
        | Is::Key
        | Is::Parameters
        | Is::RecentBlock
        | Is::RecentWindow
        | Is::DayHeights
        | Is::ProposerTurns
        | Is::Timer
        | Is::Voters
        | Is::ValidatorSchedule
        | Is::Peers
        | Is::ProtocolSchedule
        | Is::Calendar
        | Is::UnopenedRead
        | Is::Halves
        | Is::Half
        | Is::BulkSet
        | Is::Correction
        | Is::SealingOrder
        | Is::SealedAccess
        | Is::SealedCount
        | Is::IntegrityEvent
        | Is::Joined
        | Is::Alert
        | Is::DoubleVote
        | Is::Former => hex::decode(name)
            .map_err(|_| no_name(name, "an id in hexadecimal digits", "十六进制 id"))?,
    };
    Ok((kind, id))
}

/// Whose chain or score it is: a department's, or that of one of its identities.
pub(super) async fn whose(node: &Node, name: &str) -> Result<(String, Vec<u8>), ClientError> {
    match name.split_once('/') {
        None => Ok((name.to_owned(), Vec::new())),
        Some((department, _)) => {
            Ok((department.to_owned(), node.identity_id(name).await?.to_vec()))
        }
    }
}

/// An integrity event, `department/number`.
pub(super) fn integrity_event(text: &str) -> Result<wire::IntegrityName, ClientError> {
    let bad = || no_name(text, "department/number", "“部门/序号”");
    let (department, number) = text.split_once('/').ok_or_else(bad)?;
    let number = number.parse().map_err(|_| bad())?;
    Ok(wire::IntegrityName { department: department.to_owned(), number })
}

/// A version of a dataset, `dataset:number`.
pub(super) fn version(text: &str) -> Result<wire::DatasetVersion, ClientError> {
    let bad = || no_name(text, "dataset:number", "`dataset:number`（目录项、版本号）");
    let (dataset, version) = text.split_once(':').ok_or_else(bad)?;
    let version = version.parse().map_err(|_| bad())?;
    Ok(wire::DatasetVersion { dataset: dataset.to_owned(), version })
}

/// A grant, or the decision on a request, with its dataset.
pub(super) async fn grant(node: &Node, name: &str) -> Result<wire::GrantName, ClientError> {
    let request = node.request(name).await?.request.unwrap_or_default();
    let dataset = request.asked.map(|it| it.dataset).unwrap_or_default();
    Ok(wire::GrantName { dataset, request_id: request.request_id })
}

/// A record, `dataset:department/gateway#number`, and the grant that it names, if one is.
pub(super) async fn record(
    node: &Node,
    text: &str,
    under: Option<&str>,
) -> Result<wire::RecordName, ClientError> {
    let needed = "dataset:department/gateway#number";
    let bad =
        || no_name(text, needed, "`dataset:department/gateway#number`（目录项、闸口、访问号）");
    let (dataset, access) = text.split_once(':').ok_or_else(bad)?;
    let (gateway, access_no) = node.access(access).await?;
    let request_id = match under {
        Some(name) => node.request_id(name).await?,
        None => Vec::new(),
    };
    let (dataset, gateway_id) = (dataset.to_owned(), gateway.to_vec());
    Ok(wire::RecordName { dataset, gateway_id, access_no, request_id })
}
