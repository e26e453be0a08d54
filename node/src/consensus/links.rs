//! What the engine logs of links to peers.

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

/// Leaves out that the engine could not dial a peer, which it calls an error each second, the five lines in which it warns of one
/// that stopped, and that what it stops itself ticks no more: a peer that is not up yet, or is away, is no error, `status` tells
/// which departments' nodes are away, and this node says once who is connected and who is no longer.
pub struct WithoutLinks;

impl<S: Subscriber> Layer<S> for WithoutLinks {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        if !event.metadata().target().starts_with("arc_malachitebft") {
            return true;
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        !LINKS.iter().any(|begin| message.0.starts_with(begin))
    }
}

/// How the engine begins to say so.
const LINKS: [&str; 9] = [
    "Error dialing peer",
    "Failed to dial peer",
    "Connection closed with",
    "Removing active connection",
    "Outbound connection",
    "Inbound connection",
    "Last connection to peer",
    "Resetting bootstrap node",
    "Failed to send tick message",
];

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::{Arc, Mutex, PoisonError};
    use tracing_subscriber::fmt;
    use tracing_subscriber::layer::SubscriberExt;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn links_that_come_and_go_are_no_errors() {
        let written = Written::default();
        let lines = written.clone();
        let logs = tracing_subscriber::registry()
            .with(WithoutLinks)
            .with(fmt::layer().with_ansi(false).with_writer(move || lines.clone()));
        tracing::subscriber::with_default(logs, || {
            tracing::error!(target: "arc_malachitebft_network", "Error dialing peer: refused");
            tracing::error!(target: "arc_malachitebft_discovery", "Failed to dial peer None at x");
            tracing::warn!(target: "arc_malachitebft_network", "Connection closed with x");
            tracing::error!(target: "arc_malachitebft_network", "the network is broken");
            tracing::error!(target: "liuhen_node", "Error dialing peer of our own");
        });
        let text = written.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let text = String::from_utf8_lossy(&text).into_owned();
        assert!(text.contains("the network is broken") && text.contains("of our own"), "{text}");
        assert_eq!(text.lines().count(), 2, "{text}");
    }
}
