//! Whether a process is the server: what another one uses would be told as the server's.

use std::collections::HashSet;
use std::fs;
use std::net::{TcpListener, ToSocketAddrs};

use serde::Serialize;
use url::Host;

/// `TCP_LISTEN` in `/proc/net/tcp`.
const LISTENING: &str = "0A";

/// Another process than the server was named.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotTheServer {
    /// None at all.
    #[error("no process has the number {0}")]
    Absent(u32),
    /// One here, while the server is not.
    #[error(
        "--url says that the server is at {0}, which is no address of this machine, so no process here is it"
    )]
    Elsewhere(String),
    /// One with another port, or none.
    #[error(
        "process {pid} ({name}) does not listen at port {port}, where --url says the server is"
    )]
    Deaf {
        /// Its number.
        pid: u32,
        /// Its program's name.
        name: String,
        /// Where the server is.
        port: u16,
    },
}

/// How far a process is known to be the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Known {
    /// It listens at the server's port.
    Listens,
    /// It may not be looked into.
    Closed,
    /// It has a network of its own, as in a container: its port is another one there.
    Apart,
}

impl Known {
    /// Why it is only believed.
    pub(crate) fn doubt(self) -> Option<&'static str> {
        match self {
            Self::Listens => None,
            Self::Closed => Some("not known to be the server's: it may not be looked into"),
            Self::Apart => Some("not known to be the server's: it has a network of its own"),
        }
    }
}

/// Whether the process listens at this port of this host, as far as that can be known.
pub(crate) fn listens(pid: u32, host: &Host<&str>, port: u16) -> Result<Known, NotTheServer> {
    let name = fs::read_to_string(format!("/proc/{pid}/comm"));
    let name = name.map_err(|_| NotTheServer::Absent(pid))?;
    let network = |who: &str| fs::read_link(format!("/proc/{who}/ns/net")).ok();
    let Some(sockets) = sockets(pid) else {
        return Ok(Known::Closed);
    };
    if network(&pid.to_string()) != network("self") {
        return Ok(Known::Apart);
    }
    if !is_here(host) {
        return Err(NotTheServer::Elsewhere(host.to_string()));
    }
    let mut tables = ["tcp", "tcp6"]
        .into_iter()
        .filter_map(|table| fs::read_to_string(format!("/proc/net/{table}")).ok());
    if tables.any(|table| listeners(&table, port).any(|inode| sockets.contains(inode))) {
        Ok(Known::Listens)
    } else {
        let name = name.trim().to_owned();
        Err(NotTheServer::Deaf { pid, name, port })
    }
}

/// Whether it is this machine: at an address of another one nobody here can listen.
fn is_here(host: &Host<&str>) -> bool {
    let can_listen = |address| TcpListener::bind(address).is_ok();
    match *host {
        Host::Ipv4(address) => can_listen((address, 0).into()),
        Host::Ipv6(address) => can_listen((address, 0).into()),
        Host::Domain(name) => {
            let addresses = (name, 0).to_socket_addrs();
            addresses.is_ok_and(|mut addresses| addresses.any(can_listen))
        }
    }
}

/// Inodes of all its sockets; none where it may not be looked into.
fn sockets(pid: u32) -> Option<HashSet<String>> {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.flatten();
    let targets = files.filter_map(|file| fs::read_link(file.path()).ok());
    let inodes = targets.filter_map(|target| {
        let inode = target.to_str()?.strip_prefix("socket:[")?;
        Some(inode.strip_suffix(']')?.to_owned())
    });
    Some(inodes.collect())
}

/// Inodes of the sockets that listen at this port, in a table as `/proc/net/tcp`.
fn listeners(table: &str, port: u16) -> impl Iterator<Item = &str> {
    let port = format!(":{port:04X}");
    table.lines().filter_map(move |line| {
        let mut fields = line.split_whitespace().skip(1);
        let (local, state) = (fields.next()?, fields.nth(1)?);
        let inode = fields.nth(5)?;
        (local.ends_with(&port) && state == LISTENING).then_some(inode)
    })
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: Host<&str> = Host::Ipv4(Ipv4Addr::LOCALHOST);

    #[test]
    fn the_server_is_who_listens_at_its_port() {
        let this = std::process::id();
        for address in ["127.0.0.1:0", "[::1]:0"] {
            // A machine may have no IPv6.
            let Ok(listener) = TcpListener::bind(address) else {
                continue;
            };
            let port = listener.local_addr().unwrap().port();
            assert_eq!(listens(this, &HERE, port), Ok(Known::Listens));
            drop(listener);
            let said = listens(this, &HERE, port).unwrap_err().to_string();
            let wanted = format!("does not listen at port {port}, where --url says the server is");
            assert!(said.ends_with(&wanted), "{said}");
        }
        assert_eq!(listens(0, &HERE, 80), Err(NotTheServer::Absent(0)));
    }

    #[test]
    fn who_listens_here_is_no_server_of_another_machine() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let this = std::process::id();
        for here in [HERE, Host::Domain("localhost")] {
            assert_eq!(listens(this, &here, port), Ok(Known::Listens));
        }
        // Of a network for documentation, and a name that none has (RFC 5737, 6761).
        let (number, name) = (Host::Ipv4([192, 0, 2, 1].into()), Host::Domain("a.invalid"));
        for there in [number, name] {
            let said = NotTheServer::Elsewhere(there.to_string());
            assert_eq!(listens(this, &there, port), Err(said));
        }
    }

    #[test]
    fn a_connection_to_the_port_is_no_listener() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
             \x20  0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 123 1 0 100 0 0 10 0\n\
             \x20  1: 0100007F:1F90 0100007F:A000 01 00000000:00000000 00:00000000 00000000     0        0 456 1 0 20 4 30 10 -1\n";
        assert_eq!(listeners(table, 8080).collect::<Vec<_>>(), ["123"]);
        assert_eq!(listeners(table, 8081).next(), None);
    }
}
