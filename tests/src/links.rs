//! Links between nodes that can be cut: each node reaches each other through a listener of its own, which passes bytes on
//! while the link is up.

use crate::consortium::{Consortium, NODES};
use anyhow::Context as _;
use liuhen_node::config::{FILE, Settings};
use std::collections::BTreeMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Bytes pass.
    Up,
    /// Connections are closed, and none made.
    Down,
    /// Connections stand, and nothing passes, as where a firewall drops packets.
    Silent,
}

/// The links between the nodes of a consortium.
pub struct Links(BTreeMap<(&'static str, &'static str), watch::Sender<Link>>);

/// A link has two ends; it is known by them in order.
fn between(one: &'static str, other: &'static str) -> (&'static str, &'static str) {
    if one < other { (one, other) } else { (other, one) }
}

impl Links {
    /// Puts a link between each two nodes, before they are started.
    pub async fn of(consortium: &Consortium) -> anyhow::Result<Self> {
        let mut links = BTreeMap::new();
        for one in NODES {
            for other in NODES.into_iter().filter(|it| one < *it) {
                links.insert(between(one, other), watch::Sender::new(Link::Up));
            }
        }
        let mut settings = BTreeMap::new();
        for node in NODES {
            let text = std::fs::read_to_string(consortium.home(node).join(FILE))?;
            settings.insert(node, toml::from_str::<Settings>(&text)?);
        }
        let by_port: BTreeMap<u16, &'static str> = settings
            .iter()
            .filter_map(|(node, it)| Some((port(&it.gossip_listen.to_string())?, *node)))
            .collect();
        for (node, mut its) in settings.clone() {
            for peer in &mut its.peers {
                let gossip = port(&peer.gossip.to_string()).context("a port")?;
                let other = by_port.get(&gossip).copied().context("a node of this port")?;
                let link = links.get(&between(node, other)).context("a link")?;
                for address in [&mut peer.gossip, &mut peer.consensus] {
                    let to = port(&address.to_string()).context("a port")?;
                    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
                    *address =
                        format!("/ip4/127.0.0.1/tcp/{}", listener.local_addr()?.port()).parse()?;
                    tokio::spawn(listen(listener, to, link.subscribe()));
                }
            }
            std::fs::write(consortium.home(node).join(FILE), toml::to_string(&its)?)?;
        }
        Ok(Self(links))
    }

    /// Sets the link between two nodes.
    pub fn set(&self, one: &'static str, other: &'static str, link: Link) -> anyhow::Result<()> {
        self.0.get(&between(one, other)).context("no such link")?.send_replace(link);
        Ok(())
    }

    /// Sets every link of a node.
    pub fn set_all_of(&self, node: &'static str, link: Link) -> anyhow::Result<()> {
        NODES.into_iter().filter(|it| *it != node).try_for_each(|it| self.set(node, it, link))
    }
}

fn port(address: &str) -> Option<u16> {
    address.rsplit('/').next()?.parse().ok()
}

async fn listen(listener: TcpListener, to: u16, link: watch::Receiver<Link>) {
    while let Ok((near, _)) = listener.accept().await {
        if *link.borrow() == Link::Down {
            continue;
        }
        let link = link.clone();
        tokio::spawn(async move {
            let Ok(far) = TcpStream::connect(("127.0.0.1", to)).await else { return };
            let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
            tokio::join!(pass(near_in, far_out, link.clone()), pass(far_in, near_out, link));
        });
    }
}

/// Passes bytes one way, until the link is down or an end is.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut link: watch::Receiver<Link>) {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let now = *link.borrow_and_update();
        tokio::select! {
            changed = link.changed() => if changed.is_err() { return },
            read = from.read(&mut bytes), if now == Link::Up => {
                let count = read.unwrap_or(0);
                let Some(read) = bytes.get(..count).filter(|_| count > 0) else { return };
                if to.write_all(read).await.is_err() {
                    return;
                }
            }
        }
        if *link.borrow() == Link::Down {
            return;
        }
    }
}
