//! Why the rules refuse an item: a stable code, and a sentence in English and Chinese.

mod language;
mod sentences;

pub use language::{Lang, Word};

/// What kind of "no" it is: the status of gRPC and the exit code of a command follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// What was sent can't be understood.
    Malformed,
    /// Nobody that the ledger knows says so.
    Unauthenticated,
    /// Whoever asks may not.
    Denied,
    /// There is no such thing.
    NotFound,
    /// There is such a thing already.
    Exists,
    /// As things stand it can't be.
    State,
    /// It waits for something else of the same asker.
    Waits,
    /// It was as said when it was asked, and is not any more.
    Moved,
    /// More than is answered at once.
    TooLarge,
    /// Too much is asked at once.
    Busy,
    /// Whoever should answer goes, or is gone.
    Away,
    /// A fault of whoever should answer.
    Fault,
}

/// Defines the refusals: variant and what it names, code, class, English, Chinese.
macro_rules! refusals {
    ($($name:ident $(($field:ident: $type:ty))? $({ $($part:ident: $kind:ty),+ })?
        = $code:literal: $class:ident, $en:literal, $zh:literal;)+) => {
        /// A refusal. What is named in it is ids, codes and numbers only.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[allow(missing_docs, reason = "each variant's sentence stands beside it")]
        pub enum Refusal { $($name $(($type))? $({ $($part: $kind),+ })?),+ }

        impl Refusal {
            /// Every code there is.
            pub const CODES: &'static [&'static str] = &[$($code),+];

            /// Of what class the refusal of a code is; `None` for a code that is none.
            pub fn class_of(code: &str) -> Option<Class> {
                match code { $($code => Some(Class::$class),)+ _ => None }
            }

            /// A stable code, the same in every language and version.
            pub fn code(&self) -> &'static str {
                match self { $(Self::$name { .. } => $code),+ }
            }

            fn english(&self) -> String {
                match self { $(Self::$name $(($field))? $({ $($part),+ })? => format!($en)),+ }
            }

            fn chinese(&self) -> String {
                match self { $(Self::$name $(($field))? $({ $($part),+ })? => format!($zh)),+ }
            }
        }
    };
}

refusals! {
    OtherChain = "chain.other": State,
        "the transaction is for another chain",
        "该交易属于另一条链";
    UnknownKey(key: String) = "key.unknown": Unauthenticated,
        "key {key} is not on the ledger",
        "账本上没有密钥 {key}";
    KeyNotInForce(key: String) = "key.not_in_force": Denied,
        "key {key}, its identity or its department is not in force",
        "密钥 {key} 或其身份、部门当前无效";
    SignerMismatch = "signer.mismatch": State,
        "the key belongs to another department or identity than the header states",
        "密钥所属的部门或身份与交易头所述不符";
    BadSignature = "signature.bad": Unauthenticated,
        "the signature does not verify",
        "签名验证不通过";
    WrongSeq { expected: u64, found: u64 } = "seq.wrong": State,
        "the key's next seq is {expected}, the transaction has {found}",
        "该密钥的下一个序号是 {expected}，交易给出的是 {found}";
    UnknownRecentBlock(height: u64) = "recent_block.unknown": NotFound,
        "the recent block cited at height {height} is not one of this chain's",
        "所引用的高度 {height} 的区块不属于本链";
    RecentBlockTooOld(height: u64) = "recent_block.too_old": State,
        "the recent block cited at height {height} is too old: sign again",
        "所引用的高度 {height} 的区块过旧，请重新签名";
    BlockFull = "block.full": State,
        "no room in this block",
        "本区块已满";
    TooMuchAtOnce { what: Word, found: u64, limit: u64 } = "transaction.too_dear": State,
        "the transaction comes to {found} {what}, and a block takes {limit}: send its items in several",
        "该交易涉及{what:#} {found}，每个区块上限为 {limit}：请将事项分多次提交";
    NotTheActor { stated: String, signer: String } = "actor.other": Denied,
        "{signer} signed what only {stated} may do",
        "{signer} 签署了只有 {stated} 才能办理的事项";
    RightMissing { department: String, right: Word } = "right.missing": Denied,
        "{department} does not have the right to {right}",
        "{department} 没有{right:#}";
    IdentityKind(wanted: Word) = "identity.kind": Denied,
        "this is for {wanted} to sign",
        "此事项须由{wanted:#}签署";
    UnknownDepartment(code: String) = "department.unknown": NotFound,
        "there is no department {code}",
        "没有部门 {code}";
    DepartmentExists(code: String) = "department.exists": Exists,
        "department {code} is or was a member already",
        "部门 {code} 已是或曾是成员";
    NotBeneath { department: String, above: String } = "department.not_beneath": State,
        "{department} is not beneath {above}",
        "{department} 不是 {above} 的下级";
    LevelNotBelow(code: String) = "department.level": State,
        "{code} is of a higher level than its parent",
        "{code} 的层级高于其上级";
    DivisionOutside { division: String, outer: String } = "department.division": State,
        "division {division} is not within {outer}",
        "区划 {division} 不在 {outer} 之内";
    HasVote(department: String) = "department.votes": State,
        "{department} has a vote: a proposal is needed",
        "{department} 有表决权，须经提案表决";
    TooManyBeneath(department: String) = "department.too_many_beneath": State,
        "too many departments are beneath {department}",
        "{department} 的下级部门过多";
    HasBeneath(department: String) = "department.has_beneath": State,
        "departments stand beneath {department}: remove them first, or let another take its place",
        "{department} 之下还有部门，须先移除或由其他部门承接";
    InOffice(department: String) = "department.in_office": State,
        "{department} leads the consortium or manages grants: replace it there first",
        "{department} 是牵头或管理部门，须先更换";
    StandingIs { name: String, state: Word } = "standing.is": State,
        "{name} is {state}",
        "{name} 当前状态为{state:#}";
    StoppedAbove { department: String, above: String } = "standing.stopped_above": State,
        "{department} is suspended because of {above} above it",
        "{department} 因上级 {above} 停用而停用";
    RightByVote(right: Word) = "right.by_vote": State,
        "the right to {right} is given by a proposal",
        "{right:#}须经提案授予";
    BodyByVote { body: String, manager: String } = "body.by_vote": State,
        "whoever {manager} admits by itself is of its own body: a member of {body} is admitted by a proposal",
        "{manager} 自行接纳的成员须属于其本单位；属于 {body} 的成员须经提案接纳";
    UnknownIdentity(id: String) = "identity.unknown": NotFound,
        "there is no identity {id}",
        "没有身份 {id}";
    IdentityOfOther(id: String) = "identity.other_department": State,
        "identity {id} belongs to another department",
        "身份 {id} 不属于该部门";
    NotAPost(id: String) = "identity.not_a_post": State,
        "identity {id} is no post: nobody holds it",
        "身份 {id} 不是岗位，没有任职人";
    IdentityExists(name: String) = "identity.exists": Exists,
        "identity {name} is or was registered already",
        "身份 {name} 已登记或曾登记";
    IdentityAfter { expected: u64, found: u64 } = "identity.after": State,
        "the identity's life has had {expected} events, the item follows on {found}",
        "该身份已有 {expected} 个事件，本项所接续的是 {found}";
    RootNotByItself = "root.not_by_itself": State,
        "a root is not registered or changed by itself: its parent or a proposal replaces it",
        "根身份不能自行登记或变更，须由上级或提案更换";
    RootNeeded(department: String) = "root.needed": State,
        "this is for the root of {department} to sign",
        "此事项须由 {department} 的根身份签署";
    RootThreshold { needed: u64, found: u64 } = "root.threshold": State,
        "the root needs {needed} keys to agree, {found} did",
        "根身份需要 {needed} 个密钥同意，现有 {found} 个";
    BadCosignature(key: String) = "cosignature.bad": State,
        "the cosignature of key {key} is not one of this root, or does not verify",
        "密钥 {key} 的联署不属于该根身份或验证不通过";
    RootPending(department: String) = "root.pending": State,
        "new root keys of {department} wait for objections already",
        "{department} 的新根密钥已在异议期内";
    RootNotPending(department: String) = "root.not_pending": State,
        "no new root keys of {department} wait for objections",
        "{department} 没有处于异议期的新根密钥";
    NotParent { department: String, parent: String } = "department.not_parent": State,
        "{parent} is not the parent of {department}",
        "{parent} 不是 {department} 的上级";
    KeyExists(key: String) = "key.exists": Exists,
        "key {key} is or was on the ledger already",
        "密钥 {key} 已在或曾在账本上";
    KeyOfOther(key: String) = "key.other_identity": State,
        "key {key} is not one of this identity that is in force",
        "密钥 {key} 不是该身份的有效密钥";
    TooFewKeys(needed: u64) = "key.too_few": State,
        "the identity must keep {needed} keys at least",
        "该身份至少须保留 {needed} 个密钥";
    TooManyKeys(limit: u64) = "key.too_many": State,
        "an identity has at most {limit} keys in its life",
        "一个身份一生最多有 {limit} 个密钥";
    TooManyOf { what: Word, of: String, limit: usize } = "list.full": State,
        "{of} has {limit} {what} at most in its life",
        "{of} 一生最多有 {limit} 个{what:#}";
    NothingChanges(name: String) = "change.none": State,
        "{name} is so already: nothing would change",
        "{name} 已是如此，没有变化";
    NotLead(lead: String) = "lead.needed": State,
        "this is for the leading department {lead} to do",
        "此事项须由牵头部门 {lead} 办理";
    AlreadySucceeded(department: String) = "succession.exists": Exists,
        "{department} has a successor already",
        "{department} 已有承接部门";
    OverlapPast = "succession.overlap": State,
        "the overlap must end after now",
        "过渡期必须晚于当前时间";
    UnknownPeer(id: String) = "peer.unknown": NotFound,
        "no node of the peer id {id} is on the ledger",
        "账本上没有对等标识为 {id} 的节点";
    UnknownDataset(code: String) = "dataset.unknown": NotFound,
        "there is no dataset {code}",
        "没有目录项 {code}";
    DatasetExists(code: String) = "dataset.exists": Exists,
        "dataset {code} is registered already",
        "目录项 {code} 已登记";
    DatasetOfOther { dataset: String, collector: String } = "dataset.other_collector": State,
        "dataset {dataset} is collected by {collector}",
        "目录项 {dataset} 由 {collector} 归集";
    DatasetRetired(code: String) = "dataset.retired": State,
        "dataset {code} is out of the catalogue",
        "目录项 {code} 已下架";
    NotShared(code: String) = "dataset.not_shared": State,
        "dataset {code} is not shared but on a statutory basis",
        "目录项 {code} 不予共享，法定依据除外";
    WrongVersion { expected: u64, found: u64 } = "version.wrong": State,
        "the next version is {expected}, the item has {found}",
        "下一版本号是 {expected}，本项给出的是 {found}";
    WrongPrevious(version: u64) = "version.previous": State,
        "the digest before is not that of version {version}",
        "上一版本摘要与版本 {version} 不符";
    UnknownPurpose(code: String) = "purpose.unknown": NotFound,
        "purpose {code} is not on the consortium's list",
        "用途 {code} 不在联盟清单内";
    UnknownLegalBasis(code: String) = "legal_basis.unknown": NotFound,
        "legal basis {code} is not on the consortium's list",
        "依据 {code} 不在联盟清单内";
    UnknownField { dataset: String, field: String } = "field.unknown": NotFound,
        "dataset {dataset} has no field {field}",
        "目录项 {dataset} 没有字段 {field}";
    NotOpen(code: String) = "offer.not_open": State,
        "only what is shared without condition and of grade 1 is offered to a class: not {code}",
        "只有无条件共享且为一级的数据可向一类部门开放，{code} 不是";
    UnknownRequest(id: String) = "request.unknown": NotFound,
        "there is no request {id}",
        "没有申请 {id}";
    RequestState { request: String, state: Word } = "request.state": State,
        "request {request} is {state}",
        "申请 {request} 的状态为{state:#}";
    RequestContradiction { request: String, field: &'static str } = "request.contradiction": State,
        "{field} is not that of request {request}",
        "{field} 与申请 {request} 不符";
    RenewalOther(id: String) = "renewal.other": State,
        "grant {id} is of other parties or another dataset, or was revoked",
        "授权 {id} 属于其他当事方或目录项，或已被撤销";
    SameBody(body: String) = "body.same": State,
        "user, collector and manager must be three bodies: {body} would be two",
        "使用、归集、管理三方必须是三个不同单位：{body} 占了两方";
    ManagerOther(manager: String) = "manager.other": State,
        "this is for {manager} to manage",
        "此事项由 {manager} 管理";
    TermsWiden(field: &'static str) = "terms.widen": State,
        "{field}: the terms may become narrower, not wider",
        "{field}：范围只可收窄，不可放宽";
    UnknownGrant(id: String) = "grant.unknown": NotFound,
        "there is no grant {id}",
        "没有授权 {id}";
    GrantEnded(id: String) = "grant.ended": State,
        "grant {id} has ended already",
        "授权 {id} 已终止";
    GrantState { grant: String, state: Word } = "grant.state": State,
        "grant {grant} is {state}",
        "授权 {grant} 的状态为{state:#}";
    SuspendedByOther { grant: String, by: String } = "grant.suspended_by": State,
        "grant {grant} was suspended by {by}, who alone may resume it",
        "授权 {grant} 由 {by} 暂停，只能由其恢复";
    PartiesDiffer(grant: String) = "grant.parties_differ": State,
        "the parties of grant {grant} are three bodies: there is nothing to reconfirm",
        "授权 {grant} 的三方仍是三个单位，无需重新确认";
    NoDelegation(grant: String) = "delegation.none": State,
        "grant {grant} may not be passed on",
        "授权 {grant} 不可转授";
    TooDeep = "delegation.too_deep": State,
        "the grant may not be passed on so many times",
        "超出允许的转授层数";
    TooManyDelegated(grant: String) = "delegation.too_many": State,
        "too many grants hang from {grant}",
        "授权 {grant} 之下的转授过多";
    UnknownEmergencyCode(code: String) = "emergency_code.unknown": NotFound,
        "emergency code {code} is not on the consortium's list",
        "应急代码 {code} 不在联盟清单内";
    DutyMissing(duty: String) = "duty.missing": State,
        "an officer with the duty {duty} may not open emergency access",
        "职责为 {duty} 的岗位无权开启应急访问";
    EmergencyTooLong(hours: u64) = "emergency.too_long": State,
        "emergency access begins at once and lasts {hours} hours at most",
        "应急访问须即时开始，最长 {hours} 小时";
    EmergencyRefused { dataset: String, until_ms: u64 } = "emergency.refused": State,
        "emergency access to {dataset} was refused to this duty of this department: not again before time {until_ms}",
        "本部门该职责对 {dataset} 的应急访问已被否决：时间 {until_ms} 之前不得再开";
    NotEmergency(grant: String) = "grant.not_emergency": State,
        "grant {grant} is no emergency access",
        "授权 {grant} 不是应急访问";
    AlreadyRatified { grant: String, by: String } = "emergency.ratified": State,
        "{by} has ratified {grant} already",
        "{by} 已追认 {grant}";
    PermitOutside(id: String) = "permit.other_body": State,
        "identity {id} is not of the collector's own body",
        "身份 {id} 不属于归集单位内部";
    AccessNoTaken { last: u64, found: u64 } = "access_no.taken": State,
        "number {found} is taken: the gateway's last access_no is {last}",
        "访问号 {found} 已使用：该闸口的上一个访问号是 {last}";
    NotRecorded(number: u64) = "access_no.not_recorded": State,
        "there is no record of number {number}",
        "访问号 {number} 没有记录";
    GatewayNotSetUp(id: String) = "gateway.not_set_up": State,
        "gateway {id} was not set up by its collector",
        "归集部门尚未配置闸口 {id}";
    GatewayNotServing { gateway: String, dataset: String } = "gateway.not_serving": State,
        "gateway {gateway} does not serve {dataset}",
        "闸口 {gateway} 不提供 {dataset}";
    ObservingTooLong(days: u64) = "observing.too_long": State,
        "a gateway observes for {days} days at most, from now on",
        "观察期自现在起最长 {days} 天";
    ObservingBegun(dataset: String) = "observing.begun": State,
        "the collector has begun to observe {dataset} before: a manager prolongs it",
        "归集部门已对 {dataset} 开始过观察期：须由管理部门延长";
    LeaseTooLong(hours: u64) = "lease.too_long": State,
        "what is set aside ends in the future, within {hours} hours",
        "配额预留须在将来且 {hours} 小时内结束";
    LeaseBeyond(grant: String) = "lease.beyond": State,
        "less than that is left of the quota of grant {grant}",
        "授权 {grant} 的剩余配额不足以预留";
    OperatorManages { identity: String, operator: String } = "operator.manages": State,
        "{identity} is operated by {operator}, which confirms no grant to what it operates",
        "{identity} 由 {operator} 运行，其不得确认自己所运行身份的授权";
    OutageTooLong(hours: u64) = "outage.too_long": State,
        "an outage is declared for {hours} hours at most, from now on",
        "停机申报自现在起最长 {hours} 小时";
    SealSequence { from_ms: u64, first: u64 } = "seal.sequence": State,
        "the next seal begins at time {from_ms} and number {first}",
        "下一个封签始于时间 {from_ms}、访问号 {first}";
    SealPeriod(period_ms: u64) = "seal.period": State,
        "a seal covers whole periods of {period_ms} milliseconds that are over",
        "封签须覆盖已结束的完整周期（每周期 {period_ms} 毫秒）";
    NoBulkSet(number: u64) = "bulk.none": State,
        "no bulk set of number {number} waits for tags",
        "访问号 {number} 没有待补的批量主体集";
    BulkOrder { received: u64, count: u64 } = "bulk.order": State,
        "the set has {received} of {count} tags: more must ascend behind them, and not be too many",
        "该集合已有 {received}/{count} 个标识，后续标识须递增且不超出总数";
    BulkRoot(number: u64) = "bulk.root": State,
        "the tags of number {number} do not make its root",
        "访问号 {number} 的标识与其根不符";
    UnknownCorrection(id: String) = "correction.unknown": NotFound,
        "there is no correction {id}",
        "没有更正 {id}";
    CorrectionState { name: String, state: Word } = "correction.state": State,
        "correction {name} is {state}",
        "更正 {name} 的状态为{state:#}";
    HourRuns(hour: u64) = "hour.running": State,
        "hour {hour} is not over",
        "小时 {hour} 尚未结束";
    NoAuthority(department: String) = "sealing.authority": Denied,
        "{department} is not entitled to decide on sealing",
        "{department} 无权作出封存决定";
    OpeningPast = "sealing.past": State,
        "the date for opening must be to come, and later than the one before",
        "公开日期必须晚于现在和原定日期";
    SealedTooLong(days: u64) = "sealing.too_long": State,
        "records are sealed for {days} days at most; a longer seal needs a fresh decision",
        "封存最长 {days} 天，更长须另作决定";
    UnknownOrder(id: String) = "sealing.unknown": NotFound,
        "there is no such decision on sealing: {id}",
        "没有封存决定 {id}";
    NotSealed(number: u64) = "sealing.not_sealed": State,
        "number {number} is not sealed by this decision with that content, or is opened already",
        "访问号 {number} 未以该内容依此决定封存，或已公开";
    BadReceipt { number: u64, why: Word } = "receipt.bad": State,
        "the receipt of number {number} does not hold: {why}",
        "访问号 {number} 的回执不成立：{why:#}";
    UnknownAlert(name: String) = "alert.unknown": NotFound,
        "there is no alert {name}",
        "没有告警 {name}";
    AlertState { name: String, state: Word } = "alert.state": State,
        "alert {name} is {state}",
        "告警 {name} 的状态为{state:#}";
    UnknownIntegrityEvent(name: String) = "integrity.unknown": NotFound,
        "there is no integrity event {name}",
        "没有诚信事件 {name}";
    NothingToVoid(department: String) = "void.none": State,
        "in these heights {department} has no integrity event that stands",
        "在这些高度内，{department} 没有仍有效的诚信事件";
    TooManyToVoid(limit: usize) = "void.too_many": State,
        "a vote voids at most {limit} integrity events: name fewer heights, or rules",
        "一次表决最多作废 {limit} 个诚信事件：请缩小高度范围或指定规则";
    NotProvisional(name: String) = "integrity.not_provisional": State,
        "integrity event {name} is final, dismissed or appealed already",
        "诚信事件 {name} 已定、已撤或已在申诉中";
    NotConcerned(department: String) = "case.not_concerned": State,
        "{department} has no part in what the case is about",
        "{department} 与案件所涉事项无关";
    UnknownCase(id: String) = "case.unknown": NotFound,
        "there is no case {id}",
        "没有案件 {id}";
    CaseState { name: String, state: Word } = "case.state": State,
        "case {name} is {state}",
        "案件 {name} 的状态为{state:#}";
    UnknownProduct(id: String) = "product.unknown": NotFound,
        "there is no product {id}",
        "没有数据产品 {id}";
    ProductState { name: String, state: Word } = "product.state": State,
        "product {name} is {state}",
        "数据产品 {name} 的状态为{state:#}";
    NotReviewer { department: String, name: String } = "product.not_reviewer": Denied,
        "{department} does not review product {name}",
        "{department} 不是数据产品 {name} 的审查部门";
    ProductMarked(id: String) = "product.marked": State,
        "a grant that product {id} stands on was revoked",
        "数据产品 {id} 所依据的授权已被撤销";
    TooManyProducts(grant: String) = "product.too_many": State,
        "too many products stand on grant {grant}",
        "依据授权 {grant} 的数据产品过多";
    BadVotes(key: String) = "double_vote.bad": State,
        "the votes are not both signed by key {key}, or for a height to come",
        "两张投票并非都由密钥 {key} 签署，或属于未来高度";
    EvidenceTooOld(days: u32) = "double_vote.too_old": State,
        "a double vote is reported within {days} days",
        "重复投票须在 {days} 天内报告";
    AlreadyReported(key: String) = "double_vote.reported": State,
        "this double vote of key {key} was reported already",
        "密钥 {key} 的该次重复投票已报告";
    UnknownProposal(id: String) = "proposal.unknown": NotFound,
        "there is no proposal {id}",
        "没有提案 {id}";
    ProposalClosed(id: String) = "proposal.closed": State,
        "proposal {id} is closed",
        "提案 {id} 已结束";
    NoVote(department: String) = "vote.none": State,
        "{department} has no vote",
        "{department} 没有表决权";
    LastVote = "vote.last": State,
        "somebody must keep a vote",
        "至少须保留一个表决权";
    ParametersMoved = "parameters.basis": State,
        "the parameters have changed since these were written",
        "参数自起草后已变更";
    BadParameters(why: String) = "parameters.bad": State,
        "parameters: {why}",
        "参数不当：{why}";
    BadCalendar(year: u64) = "calendar.bad": State,
        "the calendar of {year} has a day that is none of its year, or no weekday for a holiday, or no weekend day to make up",
        "{year} 年历有误：日期不属于该年，或节假日不在工作日，或调休日不在周末";
    BadValidator(why: Word) = "validator.bad": State,
        "validators: {why}",
        "验证节点不当：{why:#}";
    ProtocolHeight { protocol: u32, height: u64, next: u32, earliest: u64 } = "protocol.height": State,
        "the next protocol version is {next}, from height {earliest} on at the earliest; not {protocol} from {height}",
        "下一协议版本为 {next}，最早自高度 {earliest} 起；不能是自 {height} 起的 {protocol}";
    UnknownAudit(name: String) = "audit.unknown": NotFound,
        "there is no audit {name}",
        "没有审计 {name}";
    AuditExists(name: String) = "audit.exists": Exists,
        "audit {name} is there already",
        "审计 {name} 已存在";
    AuditState { name: String, state: Word } = "audit.state": State,
        "audit {name} is {state}",
        "审计 {name} 的状态为{state:#}";
    BadRead(why: Word) = "read.bad": State,
        "the read is not one that its reader asked for: {why}",
        "该查阅不是查阅者所请求：{why:#}";
    AuditTooLong(days: u64) = "audit.too_long": State,
        "an audit ends after now, and within {days} days",
        "审计须晚于现在结束，最长 {days} 天";
    SealedRead(audit: String) = "read.sealed": State,
        "these reads are sealed for audit {audit} already",
        "这些查阅已为审计 {audit} 封存";
    UnknownRead(audit: String) = "read.unknown": NotFound,
        "a read that nobody sealed for audit {audit}, or that is opened already",
        "未曾为审计 {audit} 封存或已公开的查阅";
}
