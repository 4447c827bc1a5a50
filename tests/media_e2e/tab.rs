//! One browser tab: a signaling socket and a peer connection.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use calls_actors::testing::{CrashActor, Victim};
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use serde_json::Value;
use tokio::task::JoinHandle;

use super::peer::{Heard, Network, Peer, Stream};
use crate::support::{Socket, World};

const KINDS: [RtpCodecKind; 2] = [RtpCodecKind::Audio, RtpCodecKind::Video];

/// A tab that is in a room.
pub(crate) struct Tab {
    /// Who sits before it.
    pub(crate) user: &'static str,
    /// Its presence.
    pub(crate) participant: String,
    /// Its call.
    pub(crate) call: String,
    /// What the server tells it.
    pub(crate) socket: Socket,
    heard: Heard,
    peer: Peer,
}

impl Tab {
    /// Joins, connects, and begins to send.
    pub(crate) async fn open(world: &World, room: &str, user: &'static str) -> Self {
        Self::open_over(Network::Udp, world, room, user).await
    }

    /// The same, over another network.
    pub(crate) async fn open_over(
        network: Network,
        world: &World,
        room: &str,
        user: &'static str,
    ) -> Self {
        let (socket, welcome) = world.enter(room, user).await;
        Self::begin(network, socket, &welcome, user).await
    }

    /// The same in a call that rang: by the `connection` that its caller or callee was given.
    pub(crate) async fn seated(connection: &Value, user: &'static str) -> Self {
        let mut socket = Socket::hello(connection).await;
        let welcome = socket.event("welcome").await;
        Self::begin(Network::Udp, socket, &welcome, user).await
    }

    async fn begin(network: Network, socket: Socket, welcome: &Value, user: &'static str) -> Self {
        let heard = Heard::default();
        let peer = Peer::new(&heard, network).await;
        let [participant, call] = ids(welcome);
        let mut tab = Self {
            user,
            participant,
            call,
            socket,
            heard,
            peer,
        };
        tab.connect().await;
        tab
    }

    /// The server lost its presence and gave it another: connects anew, as a client does.
    pub(crate) async fn reopen(&mut self) {
        let welcome = self.socket.event("welcome").await;
        [self.participant, self.call] = ids(&welcome);
        self.peer = Peer::new(&self.heard, Network::Udp).await;
        self.connect().await;
    }

    async fn connect(&mut self) {
        let answer = self.socket.ask("offer", self.peer.offer().await).await;
        self.peer
            .answer(&answer.expect("an answer"), self.number())
            .await;
    }

    /// Stands in all that it sends.
    fn number(&self) -> u8 {
        self.user.as_bytes()[0]
    }

    /// What it received of another tab.
    fn heard(&self, other: &Self, kind: RtpCodecKind) -> Stream {
        let heard = self.heard.lock().expect("nobody panics with it");
        heard
            .get(&(other.number(), kind))
            .copied()
            .unwrap_or_default()
    }

    /// Takes the payloads of all that it heard since the last time.
    pub(crate) fn take_voices(&self) -> Vec<bytes::Bytes> {
        let mut voices = self.peer.voices.lock().expect("nobody panics with it");
        std::mem::take(&mut *voices)
    }

    /// Says this from now on, and nothing when it is over; 20 ms in each packet of Opus.
    pub(crate) fn say(&self, packets: impl IntoIterator<Item = bytes::Bytes>) {
        let mut script = self.peer.script.lock().expect("nobody panics with it");
        script.get_or_insert_default().extend(packets);
    }

    /// When it sent each packet of what it was told to say.
    pub(crate) fn spoken(&self) -> Vec<Instant> {
        let spoken = self.peer.spoken.lock();
        spoken.expect("nobody panics with it").clone()
    }

    /// Forgets how long anything took.
    pub(crate) fn forget_gaps(&self) {
        let mut heard = self.heard.lock().expect("nobody panics with it");
        heard
            .values_mut()
            .for_each(|stream| stream.longest_gap = Duration::ZERO);
    }

    /// The longest time without a packet of another tab's microphone or camera.
    pub(crate) fn longest_gap(&self, other: &Self) -> Duration {
        let gaps = KINDS.map(|kind| self.heard(other, kind).longest_gap);
        gaps.into_iter().max().unwrap_or_default()
    }

    /// The longest time without a packet of another tab's camera.
    pub(crate) fn longest_still(&self, other: &Self) -> Duration {
        self.heard(other, RtpCodecKind::Video).longest_gap
    }

    /// Makes an actor of its call panic.
    pub(crate) async fn crash(&self, world: &World, victim: Victim) {
        let call_id = self.call.parse().expect("a call id");
        let crash = CrashActor { call_id, victim };
        let calls = &world.server.app().calls;
        assert!(calls.send(crash).await.expect("calls live"), "it was there");
    }
}

/// Notices when the machine is too busy to run these tests, which is nobody's fault.
pub(crate) struct Stalls {
    longest: Rc<Cell<Duration>>,
    watch: JoinHandle<()>,
}

impl Stalls {
    /// Begins to watch.
    pub(crate) fn watch() -> Self {
        const PACE: Duration = Duration::from_millis(10);
        let longest = Rc::new(Cell::new(Duration::ZERO));
        let seen = Rc::clone(&longest);
        let watch = actix::spawn(async move {
            loop {
                let began = Instant::now();
                tokio::time::sleep(PACE).await;
                seen.set(seen.get().max(began.elapsed().saturating_sub(PACE)));
            }
        });
        Self { longest, watch }
    }

    /// The longest time in which nothing ran here.
    pub(crate) fn longest(&self) -> Duration {
        self.longest.get()
    }
}

impl Drop for Stalls {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

fn ids(welcome: &Value) -> [String; 2] {
    [&welcome["participant_id"], &welcome["call"]["call_id"]]
        .map(|id| id.as_str().expect("an id").to_owned())
}

/// Waits until everybody received something of every other that was sent after `since`.
pub(crate) async fn all_hear_all(tabs: &[&Tab], since: Duration, patience: Duration) {
    let began = Instant::now();
    loop {
        let missing: Vec<String> = tabs
            .iter()
            .flat_map(|tab| tabs.iter().map(move |other| (tab, other)))
            .filter(|(tab, other)| tab.number() != other.number())
            .flat_map(|(tab, other)| KINDS.map(|kind| (tab, other, kind)))
            .filter(|(tab, other, kind)| tab.heard(other, *kind).latest < since)
            .map(|(tab, other, kind)| format!("{} has no {kind:?} of {}", tab.user, other.user))
            .collect();
        if missing.is_empty() {
            eprintln!("measured: media after {:?}", began.elapsed());
            return;
        }
        assert!(
            began.elapsed() < patience,
            "after {patience:?} {missing:#?}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
