//! What stands between an engine and its network, and changes what goes out.

use async_trait::async_trait;
use liuhen_node::consensus::Network;
use liuhen_node::consensus::types::LiuhenContext;
use malachitebft_app_channel::NetworkMsg;
use malachitebft_app_channel::app::engine::network::{Msg, NetworkRef};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::marker::PhantomData;
use tokio::sync::mpsc;

/// What goes out.
pub type Outgoing = Msg<LiuhenContext>;

/// One who changes what goes out.
#[async_trait]
pub trait Tongue: Send + Sync + 'static {
    /// What is sent in the place of a message.
    async fn say(&mut self, message: Outgoing) -> Vec<Outgoing>;
}

/// Puts it between an engine, with its adapter, and their network.
pub async fn between<T: Tongue>(tongue: T, (network, _): Network) -> anyhow::Result<Network> {
    let (liar, _) = Actor::spawn(None, Between(PhantomData), (network, tongue)).await?;
    let (sender, mut parts) = mpsc::channel::<NetworkMsg<LiuhenContext>>(1);
    let to = liar.clone();
    tokio::spawn(async move {
        while let Some(part) = parts.recv().await {
            if to.cast(part.into()).is_err() {
                return;
            }
        }
    });
    Ok((liar, sender))
}

struct Between<T>(PhantomData<fn() -> T>);

#[async_trait]
impl<T: Tongue> Actor for Between<T> {
    type Msg = Outgoing;
    type State = (NetworkRef<LiuhenContext>, T);
    type Arguments = Self::State;

    async fn pre_start(
        &self,
        _: ActorRef<Outgoing>,
        state: Self::State,
    ) -> Result<Self::State, ActorProcessingErr> {
        Ok(state)
    }

    async fn handle(
        &self,
        _: ActorRef<Outgoing>,
        message: Outgoing,
        (network, tongue): &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        for said in tongue.say(message).await {
            network.cast(said)?;
        }
        Ok(())
    }
}
