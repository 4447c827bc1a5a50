//! From a configuration to sockets.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::rc::Rc;
use std::sync::Arc;

use calls_actors::MediaPorts;
use calls_actors::clock::Clock;
use calls_actors::port::udp::{self, UdpDoor};
use calls_turn::{Quotas, Secret};
use tokio_rustls::{TlsAcceptor, rustls};

use super::peers::Reach;
use crate::config::Config;
use crate::tls::{self, Resolver};

/// TURN cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TurnError {
    /// Another program listens there.
    #[error(
        "{protocol} port {number} on {address}, for TURN, is taken by another program; \
         choose another turn.port, or 0 for none"
    )]
    Taken {
        /// `UDP`, `TCP` or `TLS`.
        protocol: &'static str,
        /// The number.
        number: u16,
        /// The address that was to be listened on.
        address: IpAddr,
    },
    /// The system says no.
    #[error("{protocol} port {number} on {address}, for TURN, cannot be opened: {cause}")]
    Refused {
        /// `UDP`, `TCP` or `TLS`.
        protocol: &'static str,
        /// The number.
        number: u16,
        /// The address that was to be listened on.
        address: IpAddr,
        /// Why.
        cause: io::Error,
    },
    /// No TLS.
    #[error("TLS for TURN: {0}")]
    Tls(#[from] rustls::Error),
    /// A certificate is for a name, and there is none.
    #[error(
        "turn.certificate is set, but neither turn.host nor http.public_url says for which name"
    )]
    NoName,
    /// Its thread cannot serve it.
    #[error("TURN cannot be served: {0}")]
    Unserved(String),
}

/// Open sockets and what belongs to them, on the way to their arbiter.
pub(super) struct Opened {
    udp: UdpSocket,
    tcp: TcpListener,
    tls: Option<(TcpListener, TlsAcceptor)>,
    settings: Settings,
}

/// What an actor of TURN is made from.
pub(super) struct Settings {
    pub(super) secret: Secret,
    pub(super) reach: Reach,
    pub(super) quotas: Quotas,
    /// First and last.
    pub(super) relay_ports: [u16; 2],
    /// Datagrams may be cut apart by the kernel.
    pub(super) offload: bool,
    /// Most TCP and TLS connections.
    pub(super) connections: usize,
    /// How long a connection may say nothing while it has no allocation.
    pub(super) idle: std::time::Duration,
    pub(super) clock: Arc<dyn Clock>,
}

/// All of TURN that survives a crash of its actor.
pub(super) struct Sockets {
    pub(super) door: UdpDoor,
    /// The door has more addresses than one, so answers must come from the one that was written to.
    pub(super) wildcard: bool,
    pub(super) tcp: tokio::net::TcpListener,
    pub(super) tls: Option<(tokio::net::TcpListener, TlsAcceptor)>,
    pub(super) settings: Settings,
}

impl Opened {
    /// All or none.
    pub(super) fn open(
        config: &Config,
        secret: Secret,
        certificate: Option<Resolver>,
        ports: &MediaPorts,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TurnError> {
        let turn = &config.turn;
        let address = SocketAddr::new(config.media.bind, turn.port);
        let udp = udp::bind(address).map_err(|cause| refused("UDP", address, cause))?;
        let tcp = listen("TCP", address)?;
        let tls = match certificate {
            None => None,
            Some(certificate) => {
                let acceptor = TlsAcceptor::from(Arc::new(tls::server_config(certificate)?));
                let address = SocketAddr::new(config.media.bind, turn.tls_port);
                Some((listen("TLS", address)?, acceptor))
            }
        };
        let settings = Settings {
            secret,
            reach: Reach::new(ports, &turn.extra_peers),
            quotas: Quotas {
                per_user: turn.allocations_per_user,
                per_address: turn.allocations_per_address,
                in_all: turn.allocations,
            },
            relay_ports: turn.relay_ports,
            offload: config.media.segmentation_offload,
            connections: turn.connections,
            idle: std::time::Duration::from_secs(turn.idle_seconds),
            clock,
        };
        Ok(Self {
            udp,
            tcp,
            tls,
            settings,
        })
    }

    /// Takes them over. Needs the arbiter's runtime.
    pub(super) fn settle(self) -> io::Result<Rc<Sockets>> {
        let listener = tokio::net::TcpListener::from_std;
        let wildcard = self.udp.local_addr()?.ip().is_unspecified();
        let tls = match self.tls {
            Some((socket, acceptor)) => Some((listener(socket)?, acceptor)),
            None => None,
        };
        Ok(Rc::new(Sockets {
            door: UdpDoor::new(self.udp, self.settings.offload)?,
            wildcard,
            tcp: listener(self.tcp)?,
            tls,
            settings: self.settings,
        }))
    }
}

fn listen(protocol: &'static str, address: SocketAddr) -> Result<TcpListener, TurnError> {
    let listen = || {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    listen().map_err(|cause| refused(protocol, address, cause))
}

fn refused(protocol: &'static str, address: SocketAddr, cause: io::Error) -> TurnError {
    let (number, address) = (address.port(), address.ip());
    if cause.kind() == io::ErrorKind::AddrInUse {
        TurnError::Taken {
            protocol,
            number,
            address,
        }
    } else {
        TurnError::Refused {
            protocol,
            number,
            address,
            cause,
        }
    }
}
