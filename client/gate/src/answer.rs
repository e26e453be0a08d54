//! What a door is told.

/// What a door is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Whether to serve.
    pub serve: bool,
    /// The number; `None` where nothing was numbered.
    pub access_no: Option<u64>,
    /// It is served because the gate observes, and would be denied.
    pub would_be_denied: bool,
    /// Why not, or why nevertheless: a code of the ledger's reasons, or of the gate's own.
    pub reason: String,
    /// The height by which was decided.
    pub height: Option<u64>,
    /// What the user's system shows that it was served: gateway, number, grant, and signed receipt.
    pub token: Option<String>,
}

impl Answer {
    /// Where nothing was numbered.
    pub fn without_number(serve: bool, reason: &str) -> Self {
        let (access_no, height, token) = (None, None, None);
        Self { serve, access_no, would_be_denied: false, reason: reason.into(), height, token }
    }
}
