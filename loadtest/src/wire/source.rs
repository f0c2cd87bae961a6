//! Client addresses: connections come from many addresses of 127.0.0.0/8, as limits by address expect.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The addresses that connections are bound to, in turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sources {
    count: u32,
}

impl Sources {
    /// This many addresses, at most 65,536; 0 and 1 leave the choice to the system.
    pub fn new(count: u32) -> Self {
        Self { count: count.min(65_536) }
    }

    /// Where the connection of this number comes from; `None` leaves it to the system, as it does for peers that are not
    /// on IPv4 loopback.
    pub fn of(self, connection: usize, peer: SocketAddr) -> Option<SocketAddr> {
        let IpAddr::V4(peer) = peer.ip() else { return None };
        if self.count < 2 || !peer.is_loopback() {
            return None;
        }
        let index = u32::try_from(connection).unwrap_or(0) % self.count;
        // 127.1.0.1 onwards, 250 to a net of 256, so that 127.0.0.1 stays the listeners' own.
        let (net, host) = (1 + index / 62_500, index % 62_500);
        let octets = [127, net as u8, (host / 250) as u8, (host % 250 + 1) as u8];
        Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::from(octets)), 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn sources_are_distinct_loopback_addresses() {
        let peer: SocketAddr = "127.0.0.1:8443".parse().expect("an address");
        let sources = Sources::new(65_536);
        let seen: HashSet<_> = (0..65_536).map(|n| sources.of(n, peer).expect("an address").ip()).collect();
        assert_eq!(seen.len(), 65_536);
        assert!(seen.iter().all(IpAddr::is_loopback));
        assert_eq!(Sources::new(3).of(0, peer), Sources::new(3).of(3, peer));
    }

    #[test]
    fn others_are_left_to_the_system() {
        let peer: SocketAddr = "192.0.2.1:443".parse().expect("an address");
        assert_eq!(Sources::new(100).of(5, peer), None);
        assert_eq!(Sources::new(100).of(5, "[::1]:443".parse().expect("an address")), None);
        assert_eq!(Sources::new(1).of(5, "127.0.0.1:1".parse().expect("an address")), None);
    }
}
