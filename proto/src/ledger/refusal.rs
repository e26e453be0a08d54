//! Why the rules refuse an item: a stable code, and a sentence in English and Chinese.

use crate::wire::RequestState;

/// The language of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Chinese (中文).
    Zh,
}

/// Which kind of identity has to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// An officer, or a department's root.
    Officer,
    /// A system: the gateway.
    Gateway,
}

/// A refusal. What is named in it is ids, codes and numbers only.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant's sentence stands below")]
pub enum Refusal {
    OtherChain,
    UnknownKey(String),
    KeyNotInForce(String),
    SignerMismatch,
    BadSignature,
    WrongSeq { expected: u64, found: u64 },
    UnknownRecentBlock(u64),
    RecentBlockTooOld(u64),
    NotTheActor { stated: String, signer: String },
    RightMissing { department: String, right: &'static str },
    IdentityKind(Wanted),
    UnknownDepartment(String),
    UnknownDataset(String),
    DatasetExists(String),
    DatasetOfOther { dataset: String, collector: String },
    NotShared(String),
    UnknownPurpose(String),
    UnknownLegalBasis(String),
    UnknownField { dataset: String, field: String },
    UnknownIdentity(String),
    IdentityOfOther(String),
    UnknownRequest(String),
    RequestState { request: String, state: RequestState },
    RequestContradiction { request: String, field: &'static str },
    SameBody { body: String },
    TermsWiden(&'static str),
    UnknownGrant(String),
    GrantEnded(String),
    AccessNoNotAscending { last: u64, found: u64 },
    BlockFull,
}

impl Refusal {
    /// A stable code, the same in every language and version.
    pub fn code(&self) -> &'static str {
        match self {
            Self::OtherChain => "chain.other",
            Self::UnknownKey(_) => "key.unknown",
            Self::KeyNotInForce(_) => "key.not_in_force",
            Self::SignerMismatch => "signer.mismatch",
            Self::BadSignature => "signature.bad",
            Self::WrongSeq { .. } => "seq.wrong",
            Self::UnknownRecentBlock(_) => "recent_block.unknown",
            Self::RecentBlockTooOld(_) => "recent_block.too_old",
            Self::NotTheActor { .. } => "actor.other",
            Self::RightMissing { .. } => "right.missing",
            Self::IdentityKind(_) => "identity.kind",
            Self::UnknownDepartment(_) => "department.unknown",
            Self::UnknownDataset(_) => "dataset.unknown",
            Self::DatasetExists(_) => "dataset.exists",
            Self::DatasetOfOther { .. } => "dataset.other_collector",
            Self::NotShared(_) => "dataset.not_shared",
            Self::UnknownPurpose(_) => "purpose.unknown",
            Self::UnknownLegalBasis(_) => "legal_basis.unknown",
            Self::UnknownField { .. } => "field.unknown",
            Self::UnknownIdentity(_) => "identity.unknown",
            Self::IdentityOfOther(_) => "identity.other_department",
            Self::UnknownRequest(_) => "request.unknown",
            Self::RequestState { .. } => "request.state",
            Self::RequestContradiction { .. } => "request.contradiction",
            Self::SameBody { .. } => "body.same",
            Self::TermsWiden(_) => "terms.widen",
            Self::UnknownGrant(_) => "grant.unknown",
            Self::GrantEnded(_) => "grant.ended",
            Self::AccessNoNotAscending { .. } => "access_no.not_ascending",
            Self::BlockFull => "block.full",
        }
    }

    /// A sentence for people.
    pub fn sentence(&self, lang: Lang) -> String {
        match lang {
            Lang::En => self.english(),
            Lang::Zh => self.chinese(),
        }
    }

    fn english(&self) -> String {
        match self {
            Self::OtherChain => "the transaction is for another chain".into(),
            Self::UnknownKey(key) => format!("key {key} is not on the ledger"),
            Self::KeyNotInForce(key) => {
                format!("key {key}, its identity or its department is not in force")
            }
            Self::SignerMismatch => {
                "the key belongs to another department or identity than the header states".into()
            }
            Self::BadSignature => "the signature does not verify".into(),
            Self::WrongSeq { expected, found } => {
                format!("the key's next seq is {expected}, the transaction has {found}")
            }
            Self::UnknownRecentBlock(height) => {
                format!("the recent block cited at height {height} is not one of this chain's")
            }
            Self::RecentBlockTooOld(height) => {
                format!("the recent block cited at height {height} is too old: sign again")
            }
            Self::NotTheActor { stated, signer } => {
                format!("{signer} signed what only {stated} may do")
            }
            Self::RightMissing { department, right } => {
                format!("{department} does not have the right to {right}")
            }
            Self::IdentityKind(Wanted::Officer) => {
                "this is for an officer or a department's root to sign".into()
            }
            Self::IdentityKind(Wanted::Gateway) => {
                "this is for a system, the gateway, to sign".into()
            }
            Self::UnknownDepartment(code) => format!("there is no department {code}"),
            Self::UnknownDataset(code) => format!("there is no dataset {code}"),
            Self::DatasetExists(code) => format!("dataset {code} is registered already"),
            Self::DatasetOfOther { dataset, collector } => {
                format!("dataset {dataset} is collected by {collector}")
            }
            Self::NotShared(code) => format!("dataset {code} is not shared"),
            Self::UnknownPurpose(code) => format!("purpose {code} is not on the consortium's list"),
            Self::UnknownLegalBasis(code) => {
                format!("legal basis {code} is not on the consortium's list")
            }
            Self::UnknownField { dataset, field } => {
                format!("dataset {dataset} has no field {field}")
            }
            Self::UnknownIdentity(id) => format!("there is no identity {id}"),
            Self::IdentityOfOther(id) => {
                format!("identity {id} does not belong to the using department")
            }
            Self::UnknownRequest(id) => format!("there is no request {id}"),
            Self::RequestState { request, state } => {
                format!("request {request} is {}", state_name(*state))
            }
            Self::RequestContradiction { request, field } => {
                format!("{field} is not that of request {request}")
            }
            Self::SameBody { body } => {
                format!("user, collector and manager must be three bodies: {body} would be two")
            }
            Self::TermsWiden(field) => {
                format!("{field}: what is approved may be narrower than what was asked, not wider")
            }
            Self::UnknownGrant(id) => format!("there is no grant {id}"),
            Self::GrantEnded(id) => format!("grant {id} has ended already"),
            Self::AccessNoNotAscending { last, found } => {
                format!("the gateway's last access_no is {last}, this record has {found}")
            }
            Self::BlockFull => "no room in this block".into(),
        }
    }

    fn chinese(&self) -> String {
        match self {
            Self::OtherChain => "该交易属于另一条链".into(),
            Self::UnknownKey(key) => format!("账本上没有密钥 {key}"),
            Self::KeyNotInForce(key) => format!("密钥 {key} 或其身份、部门当前无效"),
            Self::SignerMismatch => "密钥所属的部门或身份与交易头所述不符".into(),
            Self::BadSignature => "签名验证不通过".into(),
            Self::WrongSeq { expected, found } => {
                format!("该密钥的下一个序号是 {expected},交易给出的是 {found}")
            }
            Self::UnknownRecentBlock(height) => format!("所引用的高度 {height} 的区块不属于本链"),
            Self::RecentBlockTooOld(height) => {
                format!("所引用的高度 {height} 的区块过旧,请重新签名")
            }
            Self::NotTheActor { stated, signer } => {
                format!("{signer} 签署了只有 {stated} 才能办理的事项")
            }
            Self::RightMissing { department, right } => {
                format!("{department} 没有{}", right_zh(right))
            }
            Self::IdentityKind(Wanted::Officer) => "此事项须由岗位或部门根身份签署".into(),
            Self::IdentityKind(Wanted::Gateway) => "此事项须由系统身份(安全闸口)签署".into(),
            Self::UnknownDepartment(code) => format!("没有部门 {code}"),
            Self::UnknownDataset(code) => format!("没有目录项 {code}"),
            Self::DatasetExists(code) => format!("目录项 {code} 已登记"),
            Self::DatasetOfOther { dataset, collector } => {
                format!("目录项 {dataset} 由 {collector} 归集")
            }
            Self::NotShared(code) => format!("目录项 {code} 不予共享"),
            Self::UnknownPurpose(code) => format!("用途 {code} 不在联盟清单内"),
            Self::UnknownLegalBasis(code) => format!("依据 {code} 不在联盟清单内"),
            Self::UnknownField { dataset, field } => format!("目录项 {dataset} 没有字段 {field}"),
            Self::UnknownIdentity(id) => format!("没有身份 {id}"),
            Self::IdentityOfOther(id) => format!("身份 {id} 不属于使用部门"),
            Self::UnknownRequest(id) => format!("没有申请 {id}"),
            Self::RequestState { request, state } => {
                format!("申请 {request} 的状态为 {}", state_name(*state))
            }
            Self::RequestContradiction { request, field } => {
                format!("{field} 与申请 {request} 不符")
            }
            Self::SameBody { body } => {
                format!("使用、归集、管理三方必须是三个不同单位:{body} 占了两方")
            }
            Self::TermsWiden(field) => format!("{field}:批准范围只可收窄,不可放宽"),
            Self::UnknownGrant(id) => format!("没有授权 {id}"),
            Self::GrantEnded(id) => format!("授权 {id} 已终止"),
            Self::AccessNoNotAscending { last, found } => {
                format!("该闸口的上一个访问号是 {last},本条为 {found}")
            }
            Self::BlockFull => "本区块已满".into(),
        }
    }
}

fn right_zh(right: &str) -> &'static str {
    match right {
        "collect" => "归集权",
        "use" => "使用权",
        "manage" => "管理权",
        "audit" => "审计权",
        _ => "监管权",
    }
}

fn state_name(state: RequestState) -> &'static str {
    match state {
        RequestState::Unspecified => "unknown",
        RequestState::Requested => "requested",
        RequestState::Approved => "approved",
        RequestState::Refused => "refused",
        RequestState::Returned => "returned",
        RequestState::Granted => "granted",
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.english())
    }
}

impl std::error::Error for Refusal {}
