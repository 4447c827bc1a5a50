//! The same crowd at Janus, by the WebSocket API of its `VideoRoom` plugin, so that both can be measured side by side.
//!
//! Each participant has a session of its own. Janus wants one peer connection for what is sent and another for what is
//! received, offers the latter itself, and knows no slots: everybody receives every voice.

mod session;

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Url;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{interval, timeout};

use self::session::Session;
use crate::light::{
    Client, Credentials, Identity, Lanes, Local, Outbound, Remote, Ticket, answer, offer,
};
use crate::measure::Stopwatch;
use crate::participant::JOIN_TIMEOUT;
use crate::participant::light::{LightFailed, connected, lines, outbound};
use crate::peer::Wishes;
use crate::report::{Cost, Joins, Report};
use crate::scenario::Scenario;
use crate::server::Gauge;
use crate::stay::{Audience, Stay};
use crate::tally::Tallies;

/// The first of our rooms; Janus names them by numbers.
const FIRST_ROOM: u32 = 7_000_000;

/// The run came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JanusFailed {
    /// The socket broke.
    #[error("the socket broke")]
    Socket(#[from] Box<tokio_tungstenite::tungstenite::Error>),
    /// The socket was closed.
    #[error("the socket was closed")]
    Closed,
    /// It said no.
    #[error("refused: {0}")]
    Refused(String),
    /// A frame that we do not understand.
    #[error("a frame without {0}")]
    Lacks(&'static str),
    /// No JSON.
    #[error("a frame that is no JSON")]
    Malformed(#[from] serde_json::Error),
    /// Its address must be one that media can be sent to.
    #[error(
        "the address must be an IPv4 address and not 127.0.0.1: Janus leaves the loopback interface out"
    )]
    Address,
    /// Media did not come up.
    #[error("media")]
    Light(#[from] LightFailed),
    /// It took too long.
    #[error("not inside within {JOIN_TIMEOUT:?}")]
    TimedOut,
    /// No threads or no socket.
    #[error("no thread or no socket")]
    Io(#[from] std::io::Error),
    /// No certificate.
    #[error("no certificate")]
    Identity(#[from] rtc::shared::error::Error),
}

/// Somebody who is inside: what keeps the session, and what carries the media.
struct Inside {
    _session: tokio::task::JoinSet<()>,
    room: u32,
    sends: Option<Ticket>,
    receives: Option<Ticket>,
    /// When its first socket was opened, less the time in which others were let in before it could receive.
    began: Instant,
}

struct World<'a> {
    url: &'a Url,
    ip: IpAddr,
    scenario: &'a Scenario,
    lanes: Arc<Lanes>,
    identity: Identity,
}

/// Plays the scenario.
pub(crate) async fn play(
    url: &Url,
    scenario: &Scenario,
    threads: usize,
    gauge: Option<&Gauge>,
) -> Result<Report, JanusFailed> {
    let ip = match url.host() {
        Some(url::Host::Ipv4(ip)) if !ip.is_loopback() => IpAddr::V4(ip),
        _ => return Err(JanusFailed::Address),
    };
    let tallies = Arc::new(Tallies::new());
    let world = World {
        url,
        ip,
        scenario,
        lanes: Lanes::start(threads, &tallies)?,
        identity: Identity::generate()?,
    };
    let (_running, stop) = watch::channel(false);
    let stopwatch = Stopwatch::new(stop);
    let idle = match gauge {
        Some(gauge) => gauge.read().await,
        None => None,
    };
    let mut rooms = Session::open(url).await?;
    let plugin = rooms.attach().await?;
    stopwatch.phase("making rooms", scenario.rooms.into());
    for room in 0..scenario.rooms {
        rooms
            .ask(plugin, world.room(FIRST_ROOM + room), None)
            .await?;
    }
    let mut joins = Joins {
        wanted: scenario.crowd(),
        ..Joins::default()
    };
    let inside = world.enter(&mut joins, &stopwatch).await;
    stopwatch.pass("warming up", scenario.warmup_seconds).await;
    // Without a process there is nothing to read, and nothing is told.
    let gauge = gauge.unwrap_or(&Gauge::Process(0));
    let measured = stopwatch
        .measure("measuring", scenario, &tallies, gauge)
        .await;
    let stays: Vec<_> = inside.iter().filter_map(Inside::stay).collect();
    joins.timed(&stays, scenario);
    drop(inside);
    // The session that made them may have timed out meanwhile.
    let mut rooms = Session::open(url).await?;
    let plugin = rooms.attach().await?;
    for room in 0..scenario.rooms {
        let destroy = json!({"request": "destroy", "room": FIRST_ROOM + room});
        rooms.ask(plugin, destroy, None).await?;
    }
    stopwatch.clear();
    let server = Cost::of(&measured, idle, joins.succeeded, gauge);
    let everything = (u32::MAX, u32::MAX);
    let audience = Audience::everybody(scenario);
    Ok(Report::of(
        scenario, everything, audience, joins, measured, server,
    ))
}

impl Inside {
    /// Its time inside, if it ends now; nothing where there is nobody to receive.
    fn stay(&self) -> Option<Stay> {
        let progress = &self.receives.as_ref()?.progress;
        Some(Stay {
            room: self.room.to_string(),
            came_alone: false, // who sends came before everybody
            publishes: self.sends.is_some(),
            began: self.began,
            signaled: self.began,
            connected: *progress.connected.get()?,
            first: progress.first(),
            left: Instant::now(),
        })
    }
}

impl World<'_> {
    fn room(&self, room: u32) -> Value {
        json!({
            "request": "create", "room": room, "publishers": self.scenario.publishers.max(1),
            "bitrate": 0, "audiocodec": "opus", "videocodec": "vp8", "audiolevel_ext": true,
        })
    }

    /// First all who send, then all who receive, since who receives must name whom.
    async fn enter(&self, joins: &mut Joins, stopwatch: &Stopwatch) -> Vec<Inside> {
        let scenario = self.scenario;
        let mut pace = interval(scenario.join_pause());
        let mut inside = Vec::new();
        let mut senders = Vec::new();
        stopwatch.phase("joining", u64::from(scenario.crowd()));
        for room in 0..scenario.rooms {
            for seat in 0..scenario.publishers {
                let room = FIRST_ROOM + room;
                let began = Instant::now();
                let sent = timeout(JOIN_TIMEOUT, self.send(room, seat)).await;
                match sent.unwrap_or(Err(JanusFailed::TimedOut)) {
                    Ok((session, ticket)) => {
                        senders.push((room, seat, Some((session, ticket)), began.elapsed()));
                    }
                    Err(failed) => joins.failures.push(crate::causes::with_causes(&failed)),
                }
            }
        }
        let mut seats = senders;
        for room in 0..scenario.rooms {
            let viewers = scenario.publishers..scenario.people();
            seats.extend(viewers.map(|seat| (FIRST_ROOM + room, seat, None, Duration::ZERO)));
        }
        for (room, seat, sender, sending_took) in seats {
            pace.tick().await;
            let now = Instant::now();
            let began = now.checked_sub(sending_took).unwrap_or(now);
            let (session, sends) = sender.unzip();
            let entered = timeout(JOIN_TIMEOUT, self.receive(room, seat, session)).await;
            match entered.unwrap_or(Err(JanusFailed::TimedOut)) {
                Ok((session, receives)) => {
                    let mut keeper = tokio::task::JoinSet::new();
                    keeper.spawn(session.keep());
                    stopwatch.joined(1);
                    inside.push(Inside {
                        _session: keeper,
                        room,
                        sends,
                        receives,
                        began,
                    });
                }
                Err(failed) => joins.failures.push(crate::causes::with_causes(&failed)),
            }
            stopwatch.step();
        }
        joins.failures.sort();
        joins.failures.dedup();
        joins.succeeded = u32::try_from(inside.len()).unwrap_or(u32::MAX);
        inside
    }

    /// Joins as one who sends.
    async fn send(&self, room: u32, seat: u32) -> Result<(Session, Ticket), JanusFailed> {
        let mut session = Session::open(self.url).await?;
        let plugin = session.attach().await?;
        let join = json!({"request": "join", "ptype": "publisher", "room": room, "id": id(seat)});
        session.ask(plugin, join, None).await?;
        let wishes = Wishes {
            microphone: true,
            camera: self.scenario.video.is_some(),
            layers: 1,
            audio_slots: 0,
            video_slots: 0,
            bind: SocketAddr::new(self.ip, 0),
        };
        let lines = lines(wishes);
        let (socket, credentials) = (UdpSocket::bind(wishes.bind)?, Credentials::generate());
        let sdp = offer(self.local(&socket, &credentials)?, &lines);
        let publish = json!({"request": "publish"});
        let jsep = json!({"type": "offer", "sdp": sdp});
        let answered = session.ask(plugin, publish, Some(jsep)).await?;
        let remote = remote(&answered)?;
        let outbound = outbound(self.scenario, seat, &lines, &remote);
        let ticket = self.carry(socket, credentials, &remote, outbound)?;
        connected(&ticket).await?;
        Ok((session, ticket))
    }

    /// Receives everybody else; nothing where there is nobody else.
    async fn receive(
        &self,
        room: u32,
        seat: u32,
        session: Option<Session>,
    ) -> Result<(Session, Option<Ticket>), JanusFailed> {
        let mut session = match session {
            Some(session) => session,
            None => Session::open(self.url).await?,
        };
        let others = (0..self.scenario.publishers).filter(|other| *other != seat);
        let streams: Vec<_> = others.map(|other| json!({"feed": id(other)})).collect();
        if streams.is_empty() {
            return Ok((session, None));
        }
        let plugin = session.attach().await?;
        let join =
            json!({"request": "join", "ptype": "subscriber", "room": room, "streams": streams});
        let offered = session.ask(plugin, join, None).await?;
        let remote = remote(&offered)?;
        let socket = UdpSocket::bind((self.ip, 0))?;
        let credentials = Credentials::generate();
        let sdp = answer(self.local(&socket, &credentials)?, &remote);
        let ticket = self.carry(socket, credentials, &remote, Outbound::nothing())?;
        let start = json!({"request": "start"});
        let jsep = json!({"type": "answer", "sdp": sdp});
        session.ask(plugin, start, Some(jsep)).await?;
        connected(&ticket).await?;
        Ok((session, Some(ticket)))
    }

    fn local<'a>(
        &'a self,
        socket: &UdpSocket,
        credentials: &'a Credentials,
    ) -> Result<Local<'a>, JanusFailed> {
        Ok(Local {
            credentials,
            fingerprint: self.identity.fingerprint(),
            candidate: Some(socket.local_addr()?),
        })
    }

    fn carry(
        &self,
        socket: UdpSocket,
        credentials: Credentials,
        remote: &Remote,
        outbound: Outbound,
    ) -> Result<Ticket, JanusFailed> {
        socket.connect(remote.address)?;
        let identity = self.identity.clone();
        let client = Client::new(identity, credentials, remote, outbound, Instant::now());
        Ok(self.lanes.carry(socket, client, None))
    }
}

/// Who sends is known by this number; 0 is nobody.
fn id(seat: u32) -> u32 {
    seat + 1
}

fn remote(frame: &Value) -> Result<Remote, JanusFailed> {
    let sdp = frame["jsep"]["sdp"].as_str();
    let remote = Remote::read(sdp.ok_or(JanusFailed::Lacks("jsep"))?);
    Ok(remote.map_err(LightFailed::from)?)
}
