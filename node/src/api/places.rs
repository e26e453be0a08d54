//! Places for connections of clients: how many a listener takes, from one address and in all. A client's socket is an
//! open file of this process, and consensus needs files to go on: what clients may hold is bounded well below what the
//! system allows.

use crate::files;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How often refused connections are logged.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// How many connections a listener takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    /// In all.
    pub most: usize,
    /// From one address: whole offices stand behind one.
    pub most_of_an_address: usize,
}

impl Connections {
    /// By the settings, and by the files that the system lets this process open; `listeners` share those.
    pub fn of(most: usize, of_an_address: Option<usize>, listeners: usize) -> Self {
        let most = most.min(files::for_clients(files::limit()) / listeners.max(1)).max(1);
        let quarter = most.div_ceil(4);
        Self { most, most_of_an_address: of_an_address.unwrap_or(quarter).clamp(1, most) }
    }
}

/// The address by which a client's connections are counted: an IPv6 host has a whole /64 to itself.
pub(super) fn one_client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(it) => IpAddr::from(Ipv6Addr::from_bits(it.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// The places of a listener.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) bound: SocketAddr,
    connections: Connections,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
    refused: u64,
    logged: Option<Instant>,
}

impl Places {
    /// Of a listener at this address.
    pub(super) fn new(bound: SocketAddr, connections: Connections) -> Self {
        Self { bound, connections, held: Mutex::default() }
    }

    /// A place for one more connection of a client; `None` where there is none.
    pub(super) fn take(self: &Arc<Self>, from: IpAddr) -> Option<Place> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let of_address = held.by_address.get(&from).copied().unwrap_or(0);
        let Connections { most, most_of_an_address } = self.connections;
        if held.all < most && of_address < most_of_an_address {
            held.all += 1;
            held.by_address.insert(from, of_address + 1);
            return Some(Place { places: Arc::clone(self), from });
        }
        held.refused += 1;
        if held.logged.is_none_or(|at| at.elapsed() >= LOG_EVERY) {
            held.logged = Some(Instant::now());
            let (refused, all) = (held.refused, held.all);
            let address = self.bound;
            tracing::warn!(%address, %from, of_address, all, refused, "too many connections: some were refused");
        }
        None
    }
}

/// A connection's place; given back when it is dropped.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    /// The address by which its client is counted.
    pub(super) from: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.places.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.all = held.all.saturating_sub(1);
        let left = held.by_address.get(&self.from).map_or(0, |it| it.saturating_sub(1));
        match left {
            0 => held.by_address.remove(&self.from),
            left => held.by_address.insert(self.from, left),
        };
    }
}

#[cfg(test)]
impl Place {
    /// One of a listener that has no other.
    pub(super) fn only() -> Self {
        let bound = ([127, 0, 0, 1], 1).into();
        let connections = Connections { most: 1, most_of_an_address: 1 };
        let from = IpAddr::from([127, 0, 0, 1]);
        Self { places: Arc::new(Places { bound, connections, held: Mutex::default() }), from }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(most: usize, most_of_an_address: usize) -> Connections {
        Connections { most, most_of_an_address }
    }

    #[test]
    fn a_quarter_for_an_address_unless_told() {
        assert_eq!(Connections::of(8, None, 1), connections(8, 2));
        assert_eq!(Connections::of(8, Some(100), 1), connections(8, 8));
        assert_eq!(Connections::of(0, Some(0), 0), connections(1, 1));
        let all = Connections::of(usize::MAX, None, 2);
        assert!(all.most * 2 < files::limit(), "{all:?}");
    }

    #[test]
    fn a_host_of_ipv6_is_one_client() {
        let client = |text: &str| one_client(text.parse().unwrap());
        assert_eq!(client("2001:db8::1"), client("2001:db8:0:0:ffff::9"));
        assert_ne!(client("2001:db8::1"), client("2001:db8:0:1::1"));
        assert_eq!(client("::ffff:10.0.0.1"), client("10.0.0.1"));
    }

    #[test]
    fn places_are_given_back() {
        let (a, b) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let bound = ([127, 0, 0, 1], 1).into();
        let places = Places::new(bound, connections(3, 2));
        let places = Arc::new(places);
        let first = places.take(a).unwrap();
        let _second = places.take(a).unwrap();
        assert!(places.take(a).is_none(), "two of one address");
        let _third = places.take(b).unwrap();
        assert!(places.take(b).is_none(), "three in all");
        drop(first);
        assert!(places.take(b).is_some());
        assert_eq!(places.held.lock().unwrap().by_address.len(), 2);
    }
}
