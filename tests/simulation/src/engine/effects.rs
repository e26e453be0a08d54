//! What is done about each effect: see `handle_effect` of the engine.

use super::{Deed, Mail, Phase, Shell, taken};
use crate::said;
use futures::FutureExt as _;
use liuhen_node::consensus::by_hand::Node;
use liuhen_node::consensus::types::Ctx;
use malachitebft_app_channel::AppMsg;
use malachitebft_app_channel::app::consensus::{
    ConsensusMsg, Effect, LivenessMsg, Resumable as _, Resume, SignedConsensusMsg,
};
use malachitebft_app_channel::app::engine::host::SyncedValueOutcome;
use malachitebft_app_channel::app::types::core::{Value as _, ValueOrigin, ValueResponse};
use malachitebft_signing::{Signer as _, Verifier as _, VerifierExt as _};
use tokio::sync::oneshot;

type Error = &'static str;

pub(super) fn handle(
    shell: &mut Shell,
    node: &mut Node,
    effect: Effect<Ctx>,
) -> Result<Resume<Ctx>, Error> {
    match effect {
        Effect::CancelAllTimeouts(r) => {
            shell.timers.clear();
            Ok(r.resume_with(()))
        }
        Effect::CancelTimeout(timeout, r) => {
            shell.cancel(timeout);
            Ok(r.resume_with(()))
        }
        Effect::ScheduleTimeout(timeout, r) => {
            shell.schedule(timeout, shell.timeouts.duration_for(timeout));
            Ok(r.resume_with(()))
        }
        Effect::SignProposal(..) | Effect::SignVote(..) | Effect::VerifySignature(..) => {
            sign_or_verify(shell, effect)
        }
        Effect::VerifyCommitCertificate(..)
        | Effect::VerifyPolkaCertificate(..)
        | Effect::VerifyExtendedCommitCertificate(..)
        | Effect::VerifyRoundCertificate(..) => verify_certificate(shell, effect),
        Effect::ExtendVote(.., r) => Ok(r.resume_with(None)),
        Effect::VerifyVoteExtension(.., r) => Ok(r.resume_with(Ok(()))),
        Effect::PublishConsensusMsg(message, r) => {
            flush(shell);
            publish(shell, node, message);
            Ok(r.resume_with(()))
        }
        Effect::PublishLivenessMsg(message, r) => {
            say(shell, node, message);
            Ok(r.resume_with(()))
        }
        Effect::RepublishVote(vote, r) => {
            say(shell, node, LivenessMsg::Vote(vote));
            Ok(r.resume_with(()))
        }
        Effect::RepublishRoundCertificate(certificate, r) => {
            say(shell, node, LivenessMsg::SkipRoundCertificate(certificate));
            Ok(r.resume_with(()))
        }
        Effect::WalAppend(height, entry, r) => {
            if keeps(shell)
                && let Err(error) = shell.log.append(height, entry)
            {
                shell.fail(format!("append to the log: {error}"));
            }
            Ok(r.resume_with(()))
        }
        Effect::StartRound(..)
        | Effect::GetValue(..)
        | Effect::RestreamProposal(..)
        | Effect::Decide(..)
        | Effect::Finalize(..)
        | Effect::CertRejectedSyncValue(..)
        | Effect::CertVerifiedSyncValue(..) => tell(shell, node, effect),
    }
}

/// Whether what is handled is kept in the log.
fn keeps(shell: &Shell) -> bool {
    shell.phase != Phase::Recovering && shell.is_validator && shell.stop.is_none()
}

fn flush(shell: &mut Shell) {
    if keeps(shell)
        && let Err(error) = shell.log.flush()
    {
        shell.fail(format!("flush the log: {error}"));
    }
}

/// Sends a vote or proposal, where the exchange lets it go. After a failure nothing is sent.
fn publish(shell: &mut Shell, node: &Node, message: SignedConsensusMsg<Ctx>) {
    if let Some(heard) = &mut shell.heard {
        heard.published.push(said::sent(&message));
    }
    if shell.stop.is_none() && (shell.is_forgetful() || node.may_send(&message)) {
        shell.deeds.push(Deed::Publish(message));
    }
    watch_record(shell, node);
}

fn say(shell: &mut Shell, node: &Node, message: LivenessMsg<Ctx>) {
    if let Some(heard) = &mut shell.heard {
        heard.published.push(said::liveness(&message));
    }
    if shell.stop.is_none() && (shell.is_forgetful() || node.may_say(&message)) {
        shell.deeds.push(Deed::Say(message));
    }
    watch_record(shell, node);
}

fn watch_record(shell: &mut Shell, node: &Node) {
    if node.has_failed() {
        shell.fail("the record of votes can't be written");
    }
}

fn sign_or_verify(shell: &Shell, effect: Effect<Ctx>) -> Result<Resume<Ctx>, Error> {
    const WAITS: Error = "signing waits";
    match effect {
        Effect::SignProposal(proposal, r) => {
            let signed = shell.keeper.sign_proposal(proposal).now_or_never().ok_or(WAITS)?;
            Ok(r.resume_with(signed.map_err(|_| "not signed")?))
        }
        Effect::SignVote(vote, r) => {
            let signed = shell.keeper.sign_vote(vote).now_or_never().ok_or(WAITS)?;
            Ok(r.resume_with(signed.map_err(|_| "not signed")?))
        }
        Effect::VerifySignature(message, key, r) => {
            let (judge, signature) = (&shell.judge, &message.signature);
            let verified = match &message.message {
                ConsensusMsg::Vote(it) => judge.verify_signed_vote(it, signature, &key),
                ConsensusMsg::Proposal(it) => judge.verify_signed_proposal(it, signature, &key),
            };
            let verified = verified.now_or_never().ok_or(WAITS)?;
            Ok(r.resume_with(verified.is_ok_and(|it| it.is_valid())))
        }
        _ => Err("no signing"),
    }
}

fn verify_certificate(shell: &Shell, effect: Effect<Ctx>) -> Result<Resume<Ctx>, Error> {
    const WAITS: Error = "verifying waits";
    let (judge, ctx) = (&shell.judge, &Ctx::default());
    match effect {
        Effect::VerifyCommitCertificate(it, set, thresholds, r) => {
            let verified = judge.verify_commit_certificate(ctx, &it, &set, thresholds);
            Ok(r.resume_with(verified.now_or_never().ok_or(WAITS)?))
        }
        Effect::VerifyPolkaCertificate(it, set, thresholds, r) => {
            let verified = judge.verify_polka_certificate(ctx, &it, &set, thresholds);
            Ok(r.resume_with(verified.now_or_never().ok_or(WAITS)?))
        }
        Effect::VerifyExtendedCommitCertificate(it, set, thresholds, policy, r) => {
            let verified =
                judge.verify_extended_commit_certificate(ctx, &it, &set, thresholds, policy);
            Ok(r.resume_with(verified.now_or_never().ok_or(WAITS)?))
        }
        Effect::VerifyRoundCertificate(it, set, thresholds, r) => {
            let verified = judge.verify_round_certificate(ctx, &it, &set, thresholds);
            Ok(r.resume_with(verified.now_or_never().ok_or(WAITS)?))
        }
        _ => Err("no certificate"),
    }
}

/// What the application is told and asked.
fn tell(shell: &mut Shell, node: &mut Node, effect: Effect<Ctx>) -> Result<Resume<Ctx>, Error> {
    match effect {
        Effect::StartRound(height, round, proposer, role, r) => {
            flush(shell);
            let (reply_value, values) = oneshot::channel();
            shell.tell(node, AppMsg::StartedRound { height, round, proposer, role, reply_value });
            for value in taken(values).unwrap_or_default() {
                shell.deeds.push(Deed::Soon(Mail::Proposed(value, ValueOrigin::Consensus)));
            }
            Ok(r.resume_with(()))
        }
        Effect::GetValue(height, round, timeout, r) => {
            let (timeout, (reply, value)) =
                (shell.timeouts.duration_for(timeout), oneshot::channel());
            shell.falter(height, round);
            shell.tell(node, AppMsg::GetValue { height, round, timeout, reply });
            if let Some(value) = taken(value) {
                shell.deeds.push(Deed::Soon(Mail::Propose(value)));
            }
            Ok(r.resume_with(()))
        }
        Effect::RestreamProposal(height, round, valid_round, address, value_id, r) => {
            let message =
                AppMsg::RestreamProposal { height, round, valid_round, address, value_id };
            shell.tell(node, message);
            Ok(r.resume_with(()))
        }
        Effect::Decide(certificate, extensions, r) => {
            flush(shell);
            if shell.stop.is_none() {
                let (reply, _) = oneshot::channel();
                shell.tell(node, AppMsg::Decided { certificate, extensions, reply });
            }
            Ok(r.resume_with(()))
        }
        Effect::Finalize(certificate, extensions, evidence, r) => {
            if shell.stop.is_none() {
                let (reply, next) = oneshot::channel();
                shell.next = Some(next);
                shell.tell(node, AppMsg::Finalized { certificate, extensions, evidence, reply });
            }
            Ok(r.resume_with(()))
        }
        Effect::CertRejectedSyncValue(.., r) => {
            shell.deeds.push(Deed::SyncFailed);
            Ok(r.resume_with(()))
        }
        Effect::CertVerifiedSyncValue(value, proposer, r) => {
            synced(shell, node, value, proposer);
            Ok(r.resume_with(()))
        }
        _ => Err("nothing to tell"),
    }
}

fn synced(
    shell: &mut Shell,
    node: &mut Node,
    value: ValueResponse<Ctx>,
    proposer: liuhen_node::consensus::types::Address,
) {
    let (reply, outcome) = oneshot::channel();
    let (height, round) = (value.certificate.height, value.certificate.round);
    let message = AppMsg::ProcessSyncedValue {
        height,
        round,
        proposer,
        value_bytes: value.value_bytes,
        reply,
    };
    shell.tell(node, message);
    match taken(outcome) {
        Some(SyncedValueOutcome::Verdict(mut proposed))
            if proposed.value.id() == value.certificate.value_id =>
        {
            proposed.round = round;
            shell.deeds.push(Deed::Soon(Mail::Proposed(proposed, ValueOrigin::Sync)));
        }
        _ => shell.deeds.push(Deed::SyncFailed),
    }
}
