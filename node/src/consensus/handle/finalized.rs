//! A height is over. The next begins when there is work; until then the answer is held, so that an
//! idle chain makes no blocks.

use crate::consensus::adapter::{Adapter, Ctx};
use malachitebft_app_channel::Reply;
use malachitebft_app_channel::app::consensus::MisbehaviorEvidence;
use malachitebft_app_channel::app::engine::host::Next;
use malachitebft_app_channel::app::types::core::{CommitCertificate, Round};

pub(in crate::consensus) fn handle(
    adapter: &mut Adapter,
    certificate: &CommitCertificate<Ctx>,
    evidence: &MisbehaviorEvidence<Ctx>,
    reply: Reply<Next<Ctx>>,
) {
    if !evidence.is_empty() {
        let (votes, proposals) = (evidence.votes.len(), evidence.proposals.len());
        let height = certificate.height;
        tracing::error!(%height, votes, proposals, "evidence of double voting");
    }
    adapter.round = Round::Nil;
    adapter.held = Some((certificate.height, reply));
    if adapter.synced == Some(certificate.height) || adapter.has_work() {
        adapter.release();
    }
}
