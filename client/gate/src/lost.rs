//! `liuhen-gate lost`: the spool is gone. All numbers that it may have given and that are not on the ledger are declared lost,
//! and a new spool begins behind them.

use crate::begun::Reached;
use crate::settings::Settings;
use crate::spool::Spool;
use liuhen_client::submit::item;
use liuhen_proto::wire::{DeclareLoss, item::Kind};

/// Declares them, for this cause. Gives the first and the last, if there are any.
pub async fn lost(settings: Settings, cause: String) -> anyhow::Result<Option<(u64, u64)>> {
    let begun = Reached::of(settings)?.begin().await?;
    let signer = &begun.account.signer;
    let declare = async |first, last| {
        let loss = DeclareLoss {
            collector: signer.department.clone(),
            gateway_id: signer.identity.to_vec(),
            first,
            last,
            cause,
        };
        let items = [item(Kind::DeclareLoss(loss))?];
        let declared = begun.ledger.ask_in_turn(|node| {
            let (account, items) = (begun.account.clone(), items.to_vec());
            Box::pin(async move { account.submit(&node, &items).await })
        });
        declared.await.map(|_| ()).map_err(Into::into)
    };
    Spool::begin_after_loss(&begun.place(), begun.known, declare).await
}
