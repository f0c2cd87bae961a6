//! The gate before TLS: how many connections an address may hold, and how many handshakes a second it may begin.

use super::budget::Budget;
use super::settings::Limits;
use dashmap::{DashMap, Entry};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// One address gets this part of what all bodies may take: others are served while it takes all it can get.
const ADDRESS_SHARE: usize = 4;

/// Why a connection was turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// All places are taken.
    Full,
    /// The address holds as many connections as it may.
    AddressFull,
    /// The address begins handshakes too fast.
    TooFast,
}

/// Counts connections and handshakes by address.
pub(super) struct Gate {
    places: Arc<Semaphore>,
    per_address: u32,
    open: DashMap<IpAddr, Open>,
    /// Bytes of bodies that the connections of one address may hold.
    body_bytes: usize,
    handshakes: DefaultKeyedRateLimiter<IpAddr>,
}

/// What an address holds.
struct Open {
    connections: u32,
    bodies: Arc<Budget>,
}

impl Gate {
    pub(super) fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            places: Arc::new(Semaphore::new(limits.connections)),
            per_address: limits.connections_per_address,
            open: DashMap::new(),
            body_bytes: (limits.bodies_bytes / ADDRESS_SHARE).max(limits.body_bytes),
            handshakes: RateLimiter::keyed(Quota::per_second(limits.handshakes_per_s)),
        })
    }

    /// Gives a seat, or says why not.
    pub(super) fn admit(self: &Arc<Self>, peer: IpAddr) -> Result<Seat, Refused> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Refused::Full)?;
        let peer = peer.to_canonical();
        let network = network(peer);
        let bodies = {
            let fresh = || Open { connections: 0, bodies: Budget::new(self.body_bytes) };
            let mut open = self.open.entry(network).or_insert_with(fresh);
            if open.connections >= self.per_address {
                return Err(Refused::AddressFull);
            }
            open.connections += 1;
            Arc::clone(&open.bodies)
        };
        let seat = Seat { gate: Arc::clone(self), peer, bodies, _place: place };
        match self.handshakes.check_key(&network) {
            Ok(()) => Ok(seat),
            Err(_) => Err(Refused::TooFast),
        }
    }

    /// Forgets addresses that have been quiet: the limiter would keep them for ever.
    pub(super) fn tidy(&self) {
        self.handshakes.retain_recent();
        self.handshakes.shrink_to_fit();
    }

    /// Waits until all of `limits.connections` places are free.
    pub(super) async fn emptied(&self, limits: &Limits) {
        let all = u32::try_from(limits.connections).unwrap_or(u32::MAX);
        // The semaphore is never closed.
        let _ = self.places.acquire_many(all).await;
    }

    /// Seats that are taken.
    pub(super) fn taken(&self, limits: &Limits) -> usize {
        limits.connections.saturating_sub(self.places.available_permits())
    }
}

/// One connection's right to be here; given back when dropped.
pub(super) struct Seat {
    gate: Arc<Gate>,
    peer: IpAddr,
    bodies: Arc<Budget>,
    _place: OwnedSemaphorePermit,
}

impl Seat {
    /// The peer; an IPv4 address that came through an IPv6 socket is shown as IPv4.
    pub(super) fn peer(&self) -> IpAddr {
        self.peer
    }

    /// What the bodies of its address may take.
    pub(super) fn bodies(&self) -> Arc<Budget> {
        Arc::clone(&self.bodies)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Entry::Occupied(mut open) = self.gate.open.entry(network(self.peer)) {
            open.get_mut().connections -= 1;
            if open.get().connections == 0 {
                open.remove();
            }
        }
    }
}

/// In IPv6 a single customer holds a whole /64, so that is what counts as an address.
pub(crate) fn network(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) => peer,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    fn limits(connections: usize, per_address: u32, handshakes_per_s: u32) -> Limits {
        let handshakes_per_s = NonZeroU32::new(handshakes_per_s).unwrap();
        Limits { connections, connections_per_address: per_address, handshakes_per_s, ..Limits::default() }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_holds_no_more_than_its_share_and_gives_it_back() {
        let limits = limits(3, 2, 1_000);
        let gate = Gate::new(&limits);
        let first = gate.admit(ip("192.0.2.1")).ok().unwrap();
        let _second = gate.admit(ip("::ffff:192.0.2.1")).ok().unwrap();
        assert_eq!(gate.admit(ip("192.0.2.1")).err(), Some(Refused::AddressFull));
        let _other = gate.admit(ip("192.0.2.2")).ok().unwrap();
        assert_eq!(gate.admit(ip("192.0.2.3")).err(), Some(Refused::Full));
        assert_eq!(gate.taken(&limits), 3);
        drop(first);
        let _third = gate.admit(ip("192.0.2.1")).ok().unwrap();
        drop((_second, _other, _third));
        assert_eq!((gate.taken(&limits), gate.open.len()), (0, 0));
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address() {
        let gate = Gate::new(&limits(10, 1, 1_000));
        let _held = gate.admit(ip("2001:db8::1")).ok().unwrap();
        assert_eq!(gate.admit(ip("2001:db8::2")).err(), Some(Refused::AddressFull));
        assert!(gate.admit(ip("2001:db8:0:1::1")).is_ok());
    }

    #[test]
    fn handshakes_are_limited_by_rate() {
        let gate = Gate::new(&limits(100, 100, 3));
        let allowed = (0..10).filter(|_| gate.admit(ip("192.0.2.1")).is_ok()).count();
        assert!((3..=4).contains(&allowed), "{allowed}");
        assert!(gate.admit(ip("192.0.2.2")).is_ok());
        gate.tidy();
    }
}
