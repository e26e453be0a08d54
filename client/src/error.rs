//! Errors, and the exit codes of the command.

use liuhen_proto::wire::Refused;
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
    #[error("there is no {0}")]
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
    match crate::text::is_chinese() {
        true => format!("无法连接节点 {node}：{why}；未发送任何交易"),
        false => format!("the node at {node} can't be reached: {why}; nothing was sent"),
    }
}

fn refused_text(refused: &Refused) -> String {
    let chinese = crate::text::is_chinese() && !refused.message_zh.is_empty();
    let message = if chinese { &refused.message_zh } else { &refused.message };
    let item = match (refused.item, chinese) {
        (Some(item), true) => format!("第 {item} 项："),
        (Some(item), false) => format!("item {item}: "),
        (None, _) => String::new(),
    };
    format!("{item}{message} ({})", refused.reason)
}

impl ClientError {
    /// 0 fine · 1 failed · 2 usage · 5 not found · 6 denied · 7 unavailable.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::NotFound(_) => 5,
            Self::Unavailable { .. } => 7,
            Self::Refused(refused, code) => match (code, refused.reason.as_str()) {
                (Code::NotFound, _) => 5,
                (Code::PermissionDenied | Code::Unauthenticated, _) => 6,
                (Code::Unavailable, _) => 7,
                (_, reason) => reason_exit_code(reason),
            },
            Self::Key(_) | Self::Failed(_) => 1,
        }
    }

    /// Anything that failed, in its own words.
    pub fn failed(why: impl std::fmt::Display) -> Self {
        Self::Failed(why.to_string())
    }
}

/// A refusal that came on a stream has no status code; its reason says as much.
fn reason_exit_code(reason: &str) -> u8 {
    match reason {
        "actor.other"
        | "right.missing"
        | "identity.kind"
        | "key.not_in_force"
        | "key.unknown"
        | "sealing.authority"
        | "product.not_reviewer"
        | "signature.bad" => 6,
        "node.stopping" | "pool.full" | "node.disk_full" | "seq.taken" => 7,
        reason if reason.ends_with(".unknown") => 5,
        _ => 1,
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
