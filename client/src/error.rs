//! Errors, and the exit codes of the command.

use liuhen_proto::ledger::Class;
use liuhen_proto::wire::Refused;
use liuhen_rpc::reason::class_of;
use liuhen_rpc::status::to_refused;
use tonic::Code;

/// Why a command did not do what it should. Each says what happened, to which thing.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The node can't be reached.
    #[error("{}", unreachable_text(node, why))]
    Unavailable {
        /// Its address.
        node: String,
        /// What the connection said.
        why: String,
    },
    /// The node or the rules refused.
    #[error("{}", refused_text(.0))]
    Refused(Refused, Code),
    /// Something asked for is not there.
    #[error("{}{_0}", crate::lang::pick("there is no ", "没有"))]
    NotFound(String),
    /// The words of the call.
    #[error("{0}")]
    Usage(String),
    /// A key.
    #[error(transparent)]
    Key(#[from] liuhen_keyfile::KeyFileError),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

fn unreachable_text(node: &str, why: &str) -> String {
    match crate::lang::is_chinese() {
        true => format!("无法连接节点 {node}：{why}；未发送任何交易"),
        false => format!("the node at {node} can't be reached: {why}; nothing was sent"),
    }
}

fn refused_text(refused: &Refused) -> String {
    let chinese = crate::lang::is_chinese() && !refused.message_zh.is_empty();
    let message = if chinese { &refused.message_zh } else { &refused.message };
    let message = crate::typed::named(message);
    let item = match (refused.item, chinese) {
        (Some(item), true) => format!("第 {item} 项："),
        (Some(item), false) => format!("item {item}: "),
        (None, _) => String::new(),
    };
    format!("{item}{message} ({})", refused.reason)
}

impl ClientError {
    /// Whether no node answered.
    pub fn is_unanswered(&self) -> bool {
        self.exit_code() == 7
    }

    /// Whether what was asked for is not there.
    pub fn is_not_found(&self) -> bool {
        self.exit_code() == 5
    }

    /// 0 fine · 1 failed · 2 usage · 5 not found · 6 denied · 7 unavailable.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::NotFound(_) => 5,
            Self::Unavailable { .. } => 7,
            // What became of it is not known, whatever the reason says.
            Self::Refused(_, Code::Unavailable) => 7,
            Self::Refused(refused, code) => {
                let reason = refused.reason.as_str();
                let class = class_of(reason).or_else(|| class_of_code(*code));
                // A reason of a newer node's tells at least this.
                let unknown = reason.ends_with(".unknown").then_some(Class::NotFound);
                let class = class.or(unknown);
                class.map_or(1, exit_code_of)
            }
            Self::Key(_) | Self::Failed(_) => 1,
        }
    }

    /// What is wrong with the words of a call, in English and Chinese.
    pub fn usage(english: impl AsRef<str>, chinese: impl AsRef<str>) -> Self {
        Self::Usage(crate::lang::pick(english.as_ref(), chinese.as_ref()).to_owned())
    }

    /// Anything that failed, in its own words.
    pub fn failed(why: impl std::fmt::Display) -> Self {
        Self::Failed(why.to_string())
    }
}

/// The class of a status that carries no reason: another server's, or a library's.
fn class_of_code(code: Code) -> Option<Class> {
    match code {
        Code::NotFound => Some(Class::NotFound),
        Code::PermissionDenied => Some(Class::Denied),
        Code::Unauthenticated => Some(Class::Unauthenticated),
        _ => None,
    }
}

/// The exit code of a class of refusals.
fn exit_code_of(class: Class) -> u8 {
    match class {
        Class::NotFound => 5,
        Class::Denied | Class::Unauthenticated => 6,
        Class::Waits | Class::Busy | Class::Away => 7,
        Class::Malformed
        | Class::Exists
        | Class::State
        | Class::Moved
        | Class::TooLarge
        | Class::Fault => 1,
    }
}

impl From<tonic::Status> for ClientError {
    fn from(status: tonic::Status) -> Self {
        Self::Refused(to_refused(&status), status.code())
    }
}

impl From<std::io::Error> for ClientError {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}
