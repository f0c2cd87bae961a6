//! Listening sockets: every address of a name on one port, with a deep queue, and shared between runtimes if asked.

use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::time::Duration;

/// Connections that the kernel holds for us while we are busy accepting.
const BACKLOG: i32 = 4_096;
/// A peer that vanished without a word is noticed after this much silence, by the kernel.
const KEEPALIVE: Duration = Duration::from_secs(60);
/// Tries to find one free port for all addresses of a name.
const ATTEMPTS: usize = 16;

/// The sockets that one name resolves to, all on one port.
#[derive(Debug)]
pub struct Listeners {
    /// One for each address; they do not block, as the runtime wants them.
    pub sockets: Vec<TcpListener>,
    /// The port, chosen by the system where 0 was asked for.
    pub port: u16,
}

impl Listeners {
    /// Opens the same addresses once more, for another runtime's accept loop: the kernel spreads connections over
    /// all of them.
    ///
    /// # Errors
    /// What the system says.
    pub fn again(&self) -> io::Result<Self> {
        let addresses = self.sockets.iter().map(TcpListener::local_addr).collect::<io::Result<Vec<_>>>()?;
        let sockets = addresses.iter().map(|address| listen(*address)).collect::<io::Result<Vec<_>>>()?;
        Ok(Self { sockets, port: self.port })
    }
}

/// Listens on every address that `name` stands for: `localhost:8443` is 127.0.0.1 and, where the system has it, ::1,
/// so that no client waits for the other family to fail. Port 0 picks one that is free for all.
///
/// # Errors
/// The name does not resolve, or the port is taken: the message names the address.
pub fn bind(name: &str) -> io::Result<Listeners> {
    let explain =
        |error: io::Error| io::Error::new(error.kind(), format!("cannot listen on {name}: {error}"));
    let mut addresses: Vec<SocketAddr> = name.to_socket_addrs().map_err(explain)?.collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    addresses.dedup();
    let mut last = io::Error::new(io::ErrorKind::AddrNotAvailable, "the name stands for no address");
    for _ in 0..ATTEMPTS {
        match bind_all(&addresses) {
            Ok(listeners) => return Ok(listeners),
            Err(error) => last = error,
        }
        if addresses.iter().all(|address| address.port() != 0) {
            break;
        }
    }
    Err(explain(last))
}

fn bind_all(addresses: &[SocketAddr]) -> io::Result<Listeners> {
    let mut sockets: Vec<TcpListener> = Vec::new();
    let mut port = 0;
    for address in addresses {
        let mut address = *address;
        if address.port() == 0 {
            address.set_port(port);
        }
        // A port may be shared among our own runtimes, but never silently with another process.
        if address.port() != 0 {
            refuse_if_taken(address)?;
        }
        match listen(address) {
            Ok(socket) => {
                port = socket.local_addr()?.port();
                sockets.push(socket);
            }
            // The name has an address of a family that this system has switched off.
            Err(error) if !sockets.is_empty() && error.kind() == io::ErrorKind::AddrNotAvailable => {}
            Err(error) => return Err(error),
        }
    }
    if sockets.is_empty() {
        return Err(io::Error::new(io::ErrorKind::AddrNotAvailable, "none of its addresses can be used"));
    }
    Ok(Listeners { sockets, port })
}

/// With SO_REUSEPORT a second gateway of the same user would get half of the first one's connections. So the port is
/// tried without it first.
fn refuse_if_taken(address: SocketAddr) -> io::Result<()> {
    let socket = socket(address)?;
    match socket.bind(&address.into()) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    Ok(socket)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket(address)?;
    socket.set_reuse_port(true)?;
    // Accepted sockets inherit these, which saves the calls for each of them.
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE))?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_bound_on_one_port_for_all_its_addresses() {
        let listeners = bind("localhost:0").unwrap();
        assert_ne!(listeners.port, 0);
        for socket in &listeners.sockets {
            assert_eq!(socket.local_addr().unwrap().port(), listeners.port);
        }
        let again = listeners.again().unwrap();
        assert_eq!((again.port, again.sockets.len()), (listeners.port, listeners.sockets.len()));
    }

    #[test]
    fn a_taken_port_is_refused_by_name() {
        let first = bind("127.0.0.1:0").unwrap();
        let name = format!("127.0.0.1:{}", first.port);
        let error = bind(&name).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().starts_with(&format!("cannot listen on {name}: ")), "{error}");
        drop(first);
        bind(&name).unwrap();
    }
}
