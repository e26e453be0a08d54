//! Serving decided blocks to a node that is behind.

use crate::codec;
use crate::consensus::adapter::Adapter;
use crate::consensus::types::Ctx;
use crate::consensus::types::{Address, Height};
use crate::store::StoredBlock;
use liuhen_proto::header::certificate;
use liuhen_proto::types::{BlockId, KeyId};
use malachitebft_app_channel::Reply;
use malachitebft_app_channel::app::types::core::{
    ExtendedCommitCertificate, ExtendedCommitSignature, Round,
};
use malachitebft_app_channel::app::types::sync::RawDecidedValue;
use std::ops::RangeInclusive;

pub(in crate::consensus) fn handle(
    adapter: &Adapter,
    range: RangeInclusive<Height>,
    reply: Reply<Vec<RawDecidedValue<Ctx>>>,
) -> anyhow::Result<()> {
    let values = tokio::task::block_in_place(|| {
        let chain = adapter.chain();
        (range.start().0..=range.end().0)
            .map_while(|height| {
                let height = liuhen_proto::types::Height::new(height);
                raw(&chain.log().read(height).ok()??)
            })
            .collect()
    });
    let _ = reply.send(values);
    Ok(())
}

fn raw(stored: &StoredBlock) -> Option<RawDecidedValue<Ctx>> {
    let certificate = certificate::decode(&stored.certificate).ok()?;
    let signatures = certificate.signatures.iter().map(|it| {
        let address = Address(KeyId::from_slice(&it.key_id).ok()?);
        let signature = it.signature.as_slice().try_into().ok()?;
        Some(ExtendedCommitSignature::new(address, signature, None))
    });
    let certificate = ExtendedCommitCertificate {
        height: Height(certificate.height),
        round: Round::new(certificate.round),
        value_id: BlockId::from_slice(&certificate.block_id).ok()?,
        commit_signatures: signatures.collect::<Option<Vec<_>>>()?,
    };
    let bytes = codec::encode(&stored.block).ok()?;
    Some(RawDecidedValue::new(bytes.into(), certificate))
}
