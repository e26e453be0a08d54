//! What rules call things by, in both languages.

use crate::ledger::Word;
use crate::wire::{AlertState, CaseState, GrantState, ProductState, RequestState, Right};

/// A word in both languages.
pub(crate) const fn word(en: &'static str, zh: &'static str) -> Word {
    Word { en, zh }
}

/// What there may be so many of.
pub(crate) const IDENTITIES: Word = word("identities", "身份");
pub(crate) const PEERS: Word = word("nodes", "节点");
pub(crate) const STANDINGS: Word = word("periods in force", "启用期");
pub(crate) const STEPS: Word = word("steps", "步骤");
pub(crate) const LEASES: Word = word("gateways that have set something aside", "预留配额的闸口");

/// What a transaction comes to, of which a block takes so much.
pub(crate) const BYTES_TOUCHED: Word = word("bytes of objects read and written", "读写对象字节数");
pub(crate) const TIMERS_SET: Word = word("deadlines set", "设定期限数");

/// Who has to sign.
pub(crate) const OFFICER: Word = word("an officer or a department's root", "岗位或部门根身份");
pub(crate) const GATEWAY: Word = word("a system, the gateway", "系统身份（安全闸口）");
pub(crate) const KEEPER: Word =
    word("an officer, a root or a system", "岗位、部门根身份或系统身份");
pub(crate) const NODE: Word = word("a node", "节点身份");
pub(crate) const AUDITOR: Word = word("an auditor or a regulator", "审计或监管身份");

pub(crate) const RULER: Word =
    word("an officer, a root or a regulator", "岗位、部门根身份或监管身份");

/// How something stands.
pub(crate) const IN_FORCE: Word = word("in force", "有效");
pub(crate) const SUSPENDED: Word = word("suspended", "停用");
pub(crate) const ENDED: Word = word("ended for good", "已终止");
pub(crate) const OPEN: Word = word("open", "进行中");
pub(crate) const CLOSED: Word = word("closed", "已结束");

pub(crate) const NOT_DECLINED: Word = word("not declined", "未被拒绝");

/// How an alert stands.
pub(crate) fn alert(state: AlertState) -> Word {
    match state {
        AlertState::Unspecified => OPEN,
        AlertState::Acknowledged => word("acknowledged", "已确认"),
        AlertState::Closed => CLOSED,
    }
}

/// How a case stands.
pub(crate) fn case(state: CaseState) -> Word {
    match state {
        CaseState::Unspecified => word("unknown", "未知"),
        CaseState::Open => word("waiting for an answer", "待答复"),
        CaseState::Answered => word("waiting for a ruling", "待裁定"),
        CaseState::Upheld => word("upheld", "已支持"),
        CaseState::Dismissed => word("dismissed", "已驳回"),
        CaseState::Lapsed => word("not ruled on in time", "逾期未裁定"),
    }
}

/// How a product stands.
pub(crate) fn product(state: ProductState) -> Word {
    match state {
        ProductState::Unspecified => word("under review", "审查中"),
        ProductState::Reviewed => word("reviewed", "已审定"),
        ProductState::Released => word("released", "已发布"),
        ProductState::Recalled => word("recalled", "已召回"),
        ProductState::Refused => word("refused", "未通过审查"),
    }
}

/// What a right allows.
pub(crate) fn right(right: Right) -> Word {
    match right {
        Right::Collect => word("collect", "归集权"),
        Right::Use => word("use", "使用权"),
        Right::Manage => word("manage", "管理权"),
        Right::Audit => word("audit", "审计权"),
        Right::Regulate => word("regulate", "监管权"),
        Right::Unspecified => word("nothing", "任何权利"),
    }
}

/// The state of a request.
pub(crate) fn request(state: RequestState) -> Word {
    match state {
        RequestState::Unspecified => word("unknown", "未知"),
        RequestState::Requested => word("waiting for its collector", "待归集部门答复"),
        RequestState::Approved => word("approved", "已同意"),
        RequestState::Refused => word("refused", "已拒绝"),
        RequestState::Returned => word("returned", "已退回"),
        RequestState::Granted => word("granted", "已授权"),
        RequestState::Supplement => word("waiting for a supplement", "待补正"),
        RequestState::Exception => word("waiting for the lead", "待牵头部门批准"),
    }
}

/// The state of a grant.
pub(crate) fn grant(state: GrantState) -> Word {
    match state {
        GrantState::Unspecified => word("unknown", "未知"),
        GrantState::Active => word("active", "有效"),
        GrantState::Revoked => word("revoked", "已撤销"),
        GrantState::Suspended => word("suspended", "已暂停"),
        GrantState::Expired => word("expired", "已到期"),
        GrantState::Exhausted => word("exhausted", "配额用尽"),
        GrantState::AncestorEnded => word("ended with what it hung from", "随上级授权终止"),
        GrantState::NotRatified => word("not ratified", "未获追认"),
    }
}
