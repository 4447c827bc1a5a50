//! All media ports of the process: one arbiter (thread) each, and which of them takes the next room.

pub(crate) mod load;

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::sync::{Arc, mpsc};
use std::time::Instant;

use actix::dev::channel;
use actix::prelude::*;
use calls_media::{HostCandidate, Identity, IdentityError, Protocol};

use self::load::Load;
use crate::heartbeat::Beat;
use crate::metrics::LiveCount;
use crate::port::keeper::{Keeper, Run};
use crate::port::{self, Opened, PortCounters, PortHandle, PortStats};

/// How often another free number is tried when TCP has no room on the one that UDP got.
const FREE_PORT_TRIES: usize = 16;

/// A room with fewer members stays on one arbiter however busy that is: what crosses threads costs more than it brings.
const LARGE: usize = 50;

/// Messages that an actor may have waiting before it has started and says how many it takes.
const MAILBOX: usize = 16;

/// Where media is received and what is told about it.
#[derive(Debug, Clone)]
pub struct MediaConfig {
    /// Address to listen on.
    pub bind: IpAddr,
    /// One media arbiter for each of them, UDP and TCP on the same number; 0 takes any that is free.
    pub ports: Vec<u16>,
    /// Addresses that candidates name; empty: found out.
    pub advertised: Vec<IpAddr>,
    /// Candidates name the loopback address too, for participants on this machine.
    pub loopback: bool,
    /// Most ICE-TCP connections of one port at a time; 0: no TCP at all.
    pub tcp_connections: usize,
    /// Runs of equal datagrams leave with one system call each (GSO), where the kernel can.
    pub segmentation_offload: bool,
}

/// Media cannot be received.
#[derive(Debug, thiserror::Error)]
pub enum PortsError {
    /// Nothing to listen on.
    #[error("no media port is configured")]
    NoPorts,
    /// Another program listens there.
    #[error("{protocol} port {number} on {address} is taken by another program")]
    Taken {
        /// `UDP` or `TCP`.
        protocol: &'static str,
        /// The number.
        number: u16,
        /// The address that was to be listened on.
        address: IpAddr,
    },
    /// The system says no.
    #[error("{protocol} port {number} on {address} cannot be opened: {cause}")]
    Refused {
        /// `UDP` or `TCP`.
        protocol: &'static str,
        /// The number.
        number: u16,
        /// The address that was to be listened on.
        address: IpAddr,
        /// Why.
        cause: io::Error,
    },
    /// Its thread cannot serve it.
    #[error("media port {number} cannot be served: {cause}")]
    Unserved {
        /// The number.
        number: u16,
        /// Why.
        cause: String,
    },
    /// No certificate.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

/// The media ports, shared by everybody who opens rooms.
#[derive(Clone)]
pub struct MediaPorts {
    shared: Arc<Shared>,
}

struct Shared {
    identity: Arc<Identity>,
    ports: Vec<OpenPort>,
    live: LiveCount,
    /// When they were opened.
    start: Instant,
}

struct OpenPort {
    keeper: Addr<Keeper>,
    arbiter: ArbiterHandle,
    address: SocketAddr,
    candidates: Arc<[HostCandidate]>,
    counters: Arc<PortCounters>,
    load: Arc<Load>,
}

impl MediaPorts {
    /// Opens every port and starts its arbiter. Needs a running actix system.
    ///
    /// # Errors
    ///
    /// None is open then: one of them is taken, or the system refuses it.
    pub fn start(config: &MediaConfig) -> Result<Self, PortsError> {
        if config.ports.is_empty() {
            return Err(PortsError::NoPorts);
        }
        let identity = Arc::new(Identity::generate()?);
        let (live, start) = (LiveCount::default(), Instant::now());
        // All or none: no thread is started before every port is ours.
        let sockets = config
            .ports
            .iter()
            .map(|&number| open(config, number))
            .collect::<Result<Vec<_>, _>>()?;
        let ports = sockets
            .into_iter()
            .enumerate()
            .map(|(index, sockets)| serve(index, sockets, config, &identity, &live, start))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            shared: Arc::new(Shared {
                identity,
                ports,
                live,
                start,
            }),
        })
    }

    /// The certificate that every port shows.
    pub fn identity(&self) -> &Arc<Identity> {
        &self.shared.identity
    }

    /// How many ports there are.
    pub fn count(&self) -> usize {
        self.shared.ports.len()
    }

    /// The address that a port listens on.
    pub fn address(&self, index: usize) -> Option<SocketAddr> {
        self.shared.ports.get(index).map(|port| port.address)
    }

    /// The addresses that a port names in answers.
    pub fn candidates(&self, index: usize) -> Option<&Arc<[HostCandidate]>> {
        self.shared.ports.get(index).map(|port| &port.candidates)
    }

    /// What a port has counted.
    pub fn stats(&self, index: usize) -> Option<PortStats> {
        self.shared
            .ports
            .get(index)
            .map(|port| port.counters.stats())
    }

    /// How many datagrams a port dropped for this reason.
    pub fn strays(&self, index: usize, reason: port::Stray) -> Option<u64> {
        self.shared
            .ports
            .get(index)
            .map(|port| port.counters.strays(reason))
    }

    /// How many of the port actors live.
    pub fn live(&self) -> &LiveCount {
        &self.shared.live
    }

    /// The port that takes the next room, to which so many will come back at once.
    pub fn place_room(&self, returning: usize) -> usize {
        let place = load::for_room(self.busy()).unwrap_or_default();
        if let Some(port) = self.shared.ports.get(place) {
            port.load.pledge_room(returning.min(LARGE)); // the others are placed one by one
        }
        place
    }

    /// The port that takes the next member of a room, which is at `home` and has so many.
    pub fn place_member(&self, home: usize, members: usize) -> usize {
        if members < LARGE {
            return home;
        }
        let place = load::for_member(self.busy(), home);
        if let Some(port) = self.shared.ports.get(place) {
            port.load.pledge_member();
        }
        place
    }

    fn busy(&self) -> impl Iterator<Item = u32> + Clone {
        let now = self.shared.start.elapsed();
        let busy = move |port: &OpenPort| port.load.busy(port.counters.stats().peers, now);
        self.shared.ports.iter().map(busy)
    }

    /// Runs `work` on the arbiter of that port, soon. Calls for one port run in order.
    pub fn on(&self, index: usize, work: impl FnOnce(&PortHandle) + Send + 'static) {
        if let Some(port) = self.shared.ports.get(index) {
            port.keeper.do_send(Run(Box::new(work)));
        }
    }

    /// Starts an actor on the arbiter of that port, soon. What is sent to it meanwhile waits.
    pub(crate) fn start_on<A>(
        &self,
        index: usize,
        make: impl FnOnce(PortHandle) -> A + Send + 'static,
    ) -> Addr<A>
    where
        A: Actor<Context = Context<A>>,
    {
        let (sender, receiver) = channel::channel(MAILBOX);
        self.on(index, move |port| {
            let actor = make(port.clone());
            actix::spawn(Context::with_receiver(receiver).into_future(actor));
        });
        Addr::new(sender)
    }

    /// Where each arbiter is asked whether it still runs, by name.
    pub fn pulses(&self) -> Vec<(String, Recipient<Beat>)> {
        let pulse = |(index, port): (usize, &OpenPort)| {
            (format!("media-{index}"), port.keeper.clone().recipient())
        };
        self.shared.ports.iter().enumerate().map(pulse).collect()
    }

    /// Ends every arbiter, and so everybody who lives there.
    pub fn stop(&self) {
        for port in &self.shared.ports {
            port.arbiter.stop();
        }
    }

    /// Makes the actor of a port panic.
    #[cfg(any(test, feature = "testing"))]
    pub fn crash(&self, index: usize) {
        if let Some(port) = self.shared.ports.get(index) {
            port.keeper.do_send(port::CrashPort);
        }
    }
}

/// UDP and TCP on one number.
type Sockets = (UdpSocket, Option<TcpListener>);

fn open(config: &MediaConfig, number: u16) -> Result<Sockets, PortsError> {
    let refused = |protocol, number, cause: io::Error| {
        let address = config.bind;
        if cause.kind() == io::ErrorKind::AddrInUse {
            PortsError::Taken {
                protocol,
                number,
                address,
            }
        } else {
            PortsError::Refused {
                protocol,
                number,
                address,
                cause,
            }
        }
    };
    let mut tries = 0;
    loop {
        tries += 1;
        let udp = port::udp::bind(SocketAddr::new(config.bind, number))
            .map_err(|cause| refused("UDP", number, cause))?;
        if config.tcp_connections == 0 {
            return Ok((udp, None));
        }
        let address = udp
            .local_addr()
            .map_err(|cause| refused("UDP", number, cause))?;
        match port::tcp::bind(address) {
            Ok(tcp) => return Ok((udp, Some(tcp))),
            Err(_) if number == 0 && tries < FREE_PORT_TRIES => {}
            Err(cause) => return Err(refused("TCP", address.port(), cause)),
        }
    }
}

fn serve(
    index: usize,
    (udp, tcp): Sockets,
    config: &MediaConfig,
    identity: &Arc<Identity>,
    live: &LiveCount,
    start: Instant,
) -> Result<OpenPort, PortsError> {
    let address = udp.local_addr().map_err(|cause| PortsError::Unserved {
        number: config.ports[index],
        cause: cause.to_string(),
    })?;
    let candidates = candidates(config, address, tcp.is_some());
    let counters = Arc::new(PortCounters::new());
    let load = Arc::new(Load::default());
    let opened = Opened {
        index,
        identity: Arc::clone(identity),
        candidates: Arc::clone(&candidates),
        udp,
        tcp,
        tcp_connections: config.tcp_connections,
        offload: config.segmentation_offload,
        counters: Arc::clone(&counters),
    };
    let arbiter = Arbiter::new().handle();
    let (tell, told) = mpsc::channel();
    let (live, its_load) = (live.clone(), Arc::clone(&load));
    arbiter.spawn_fn(move || {
        name_thread(index);
        let keeper = PortHandle::open(opened)
            .map(|handle| Keeper::new(index, handle, live, its_load, start).start());
        let _ = tell.send(keeper); // whoever waits is still there
    });
    let keeper = told
        .recv()
        .map_err(|_| "its thread ended".to_owned())
        .and_then(|keeper| keeper.map_err(|cause| cause.to_string()))
        .map_err(|cause| PortsError::Unserved {
            number: address.port(),
            cause,
        })?;
    Ok(OpenPort {
        keeper,
        arbiter,
        address,
        candidates,
        counters,
        load,
    })
}

fn candidates(config: &MediaConfig, address: SocketAddr, tcp: bool) -> Arc<[HostCandidate]> {
    let advertised = port::addresses::advertised(address.ip(), &config.advertised, config.loopback);
    let protocols = [Protocol::Udp, Protocol::Tcp];
    protocols
        .into_iter()
        .filter(|&protocol| tcp || protocol == Protocol::Udp)
        .flat_map(|protocol| {
            advertised.iter().map(move |&ip| HostCandidate {
                address: (ip, address.port()).into(),
                protocol,
            })
        })
        .collect()
}

/// Names the thread for `top` and `perf`; actix calls all of its threads alike.
fn name_thread(index: usize) {
    let _ = std::fs::write("/proc/thread-self/comm", format!("media-{index}")); // only a name
}
