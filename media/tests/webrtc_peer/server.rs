//! The smallest possible server around our peers: one socket, one thread, everybody hears everybody.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use calls_media::peer::published_by;
use calls_media::seam::{Egress, Kind, Path, PeerId, Priority};
use calls_media::{
    HostCandidate, Identity, Negotiated, Peer, PeerEvent, PeerLimits, PeerStats, Protocol, Shown,
};

const LIMITS: PeerLimits = PeerLimits {
    audio_tracks: 4,
    video_tracks: 4,
    audio_slots: 5,
    video_slots: 49,
};

/// What became of one peer.
pub(crate) struct Outcome {
    pub(crate) stats: PeerStats,
    /// From its first DTLS datagram to the end of the handshake.
    pub(crate) connected_after: Option<Duration>,
    /// Datagrams with a `ClientHello`: one without a cookie and one with it.
    pub(crate) client_hellos: usize,
}

enum Command {
    Offer {
        peer: usize,
        sdp: String,
        answer: Sender<String>,
    },
    Ufrags {
        peer: usize,
        ufrags: Sender<Vec<String>>,
    },
    Stop,
}

pub(crate) struct Server {
    commands: Sender<Command>,
    thread: JoinHandle<Vec<Outcome>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let (commands, orders) = channel();
        let thread = std::thread::spawn(move || Loop::new().run(&orders));
        Self { commands, thread }
    }

    /// The answer to an offer; peers are numbered from 0 in the order of their first.
    pub(crate) fn offer(&self, peer: usize, sdp: String) -> String {
        let (answer, answered) = channel();
        self.commands
            .send(Command::Offer { peer, sdp, answer })
            .unwrap();
        answered.recv().unwrap()
    }

    pub(crate) fn ufrags(&self, peer: usize) -> Vec<String> {
        let (ufrags, told) = channel();
        self.commands
            .send(Command::Ufrags { peer, ufrags })
            .unwrap();
        told.recv().unwrap()
    }

    pub(crate) fn stop(self) -> Vec<Outcome> {
        self.commands.send(Command::Stop).unwrap();
        self.thread.join().unwrap()
    }
}

struct Connection {
    peer: Peer,
    negotiated: Negotiated,
    first_dtls: Option<Instant>,
    outcome: Outcome,
}

struct Loop {
    socket: UdpSocket,
    identity: Arc<Identity>,
    candidates: Arc<[HostCandidate]>,
    connections: Vec<Connection>,
    paths: HashMap<SocketAddr, usize>,
}

struct Out<'a>(&'a UdpSocket);

impl Egress for Out<'_> {
    fn datagram(&mut self, path: Path, write: impl FnOnce(&mut Vec<u8>)) {
        let mut datagram = Vec::new();
        write(&mut datagram);
        assert!(datagram.len() <= 1400);
        self.0.send_to(&datagram, path.remote()).unwrap();
    }
}

impl Loop {
    fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket
            .set_read_timeout(Some(Duration::from_millis(2)))
            .unwrap();
        let address = socket.local_addr().unwrap();
        Self {
            socket,
            identity: Arc::new(Identity::generate().unwrap()),
            candidates: [HostCandidate {
                address,
                protocol: Protocol::Udp,
            }]
            .into(),
            connections: Vec::new(),
            paths: HashMap::new(),
        }
    }

    fn run(mut self, orders: &Receiver<Command>) -> Vec<Outcome> {
        let mut buffer = [0; 2048];
        loop {
            while let Ok(order) = orders.try_recv() {
                match order {
                    Command::Offer { peer, sdp, answer } => {
                        answer.send(self.offer(peer, &sdp)).unwrap();
                    }
                    Command::Ufrags { peer, ufrags } => {
                        let told = self.connections[peer].peer.ufrags().map(str::to_owned);
                        ufrags.send(told.collect()).unwrap();
                    }
                    Command::Stop => return self.outcomes(),
                }
            }
            match self.socket.recv_from(&mut buffer) {
                Ok((len, from)) => self.receive(&buffer[..len], from),
                Err(error) => {
                    assert!(matches!(
                        error.kind(),
                        ErrorKind::WouldBlock | ErrorKind::TimedOut
                    ));
                }
            }
            let now = Instant::now();
            for connection in &mut self.connections {
                if connection.peer.poll_timeout().is_some_and(|due| due <= now) {
                    connection.peer.handle_timeout(now);
                }
            }
            self.settle(now);
        }
    }

    fn offer(&mut self, index: usize, sdp: &str) -> String {
        let now = Instant::now();
        let publish = published_by(sdp).unwrap();
        if let Some(connection) = self.connections.get_mut(index) {
            connection.negotiated = connection.peer.offer(sdp, &publish, now).unwrap();
            return connection.negotiated.answer.clone();
        }
        assert_eq!(index, self.connections.len());
        let (identity, candidates) = (Arc::clone(&self.identity), Arc::clone(&self.candidates));
        let mut peer = Peer::new(PeerId(index as u64), identity, candidates, LIMITS, now);
        let negotiated = peer.offer(sdp, &publish, now).unwrap();
        let answer = negotiated.answer.clone();
        let outcome = Outcome {
            stats: PeerStats::default(),
            connected_after: None,
            client_hellos: 0,
        };
        self.connections.push(Connection {
            peer,
            negotiated,
            first_dtls: None,
            outcome,
        });
        answer
    }

    fn receive(&mut self, datagram: &[u8], from: SocketAddr) {
        let named = |connection: &Connection| {
            connection.peer.ufrags().any(|ufrag| {
                let name = format!("{ufrag}:");
                datagram
                    .windows(name.len())
                    .any(|window| window == name.as_bytes())
            })
        };
        let known = self.paths.get(&from).copied();
        let Some(index) = known.or_else(|| self.connections.iter().position(named)) else {
            return;
        };
        let now = Instant::now();
        let connection = &mut self.connections[index];
        if datagram[0] == 22 {
            connection.first_dtls.get_or_insert(now);
            connection.outcome.client_hellos += usize::from(datagram[13] == 1);
        }
        connection
            .peer
            .handle_datagram(Path::Udp(from), BytesMut::from(datagram), now);
    }

    /// Events, bursts, and everything that waits to be sent.
    fn settle(&mut self, now: Instant) {
        for index in 0..self.connections.len() {
            while let Some(event) = self.connections[index].peer.poll_event() {
                self.heed(index, &event, now);
            }
            while let Some(burst) = self.connections[index].peer.poll_burst() {
                for (other, connection) in self.connections.iter_mut().enumerate() {
                    if other != index {
                        connection.peer.forward(&burst, &mut Out(&self.socket), now);
                    }
                }
            }
        }
        for connection in &mut self.connections {
            connection.peer.flush(&mut Out(&self.socket), now);
        }
    }

    fn heed(&mut self, index: usize, event: &PeerEvent, now: Instant) {
        match *event {
            PeerEvent::Path(path) => {
                self.paths.insert(path.remote(), index);
            }
            PeerEvent::Connected => {
                let connection = &mut self.connections[index];
                let took = connection.first_dtls.map(|first| now - first);
                connection.outcome.connected_after = took;
                self.fill_slots(now);
            }
            PeerEvent::Keyframe { track, layer } => {
                let publisher = usize::try_from(track.peer.0).unwrap();
                self.connections[publisher]
                    .peer
                    .request_keyframe(track, layer, now);
            }
            PeerEvent::Clock(clock) => {
                for connection in &mut self.connections {
                    connection.peer.clock(clock);
                }
            }
            PeerEvent::Watch { .. }
            | PeerEvent::Unplayable { .. }
            | PeerEvent::Playable { .. }
            | PeerEvent::Withheld { .. }
            | PeerEvent::Granted { .. } => {}
            PeerEvent::Closed(reason) => panic!("peer {index} closed: {reason:?}"),
        }
    }

    /// The first track of a kind into the first slot of that kind of everybody else.
    fn fill_slots(&mut self, now: Instant) {
        for subscriber in 0..self.connections.len() {
            for kind in [Kind::Audio, Kind::Video] {
                let track = (self.connections.iter().enumerate())
                    .filter(|(index, _)| *index != subscriber)
                    .flat_map(|(_, connection)| &connection.negotiated.tracks)
                    .find(|track| track.kind == kind)
                    .map(|track| track.id);
                let Connection {
                    peer, negotiated, ..
                } = &mut self.connections[subscriber];
                let slot = negotiated.slots.iter().find(|slot| slot.kind == kind);
                if let (Some(track), Some(slot)) = (track, slot) {
                    let shown = Shown {
                        track,
                        layers: 1,
                        size: None,
                        priority: Priority::Usual,
                    };
                    peer.show(&slot.mid.0, Some(shown), now).unwrap();
                }
            }
        }
    }

    fn outcomes(self) -> Vec<Outcome> {
        let connections = self.connections.into_iter();
        connections
            .map(|it| Outcome {
                stats: it.peer.stats(),
                ..it.outcome
            })
            .collect()
    }
}
