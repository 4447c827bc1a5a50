//! A call of two people who have nothing to do with it.

use std::fs::File;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use serde_json::json;
use tempfile::TempDir;

use super::wire::Wire;
use crate::peer::{Heard, Network, Peer, now};
use crate::support::Socket;
use crate::support::api::Api;
use crate::support::serving::{Serving, calls};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(15);

/// What counts as not noticed: a picture or a voice stands still for less. The machine may be busy with attackers.
const UNNOTICED: Duration = Duration::from_secs(2);

/// What a server may log of an attack, however long it takes.
const LOG_BOUND: u64 = 256 * 1024;

/// Somebody with a socket and a peer connection.
pub(crate) struct Seat {
    pub(crate) socket: Socket,
    pub(crate) heard: Heard,
    pub(crate) peer: Peer,
    number: u8,
}

impl Seat {
    /// Joins and connects; by way of a wire, where there is one. `sources` are SSRCs of microphone and camera.
    pub(crate) async fn take(
        api: &Api,
        room: &str,
        user: &str,
        wire: Option<&mut Wire>,
        sources: [Option<u32>; 2],
    ) -> Self {
        let (mut socket, _, _) = api.enter(room, user).await;
        let heard = Heard::default();
        let mut peer = Peer::with_sources(&heard, Network::Udp, sources).await;
        let answer = socket.ask("offer", peer.offer().await).await;
        let mut answer = answer.expect("an answer");
        if let Some(wire) = wire {
            wire.reroute(&mut answer).await;
        }
        let number = user.as_bytes()[0];
        peer.answer(&answer, number).await;
        Self {
            socket,
            heard,
            peer,
            number,
        }
    }

    /// Waits until both something said and something shown by the other after `since` is here.
    pub(crate) async fn perceives(&self, other: &Self, since: Duration) {
        let begun = Instant::now();
        let latest = |kind| {
            let heard = self.heard.lock().expect("nobody panics with it");
            let stream = heard.get(&(other.number, kind));
            stream.is_some_and(|stream| stream.latest > since)
        };
        while !(latest(RtpCodecKind::Audio) && latest(RtpCodecKind::Video)) {
            assert!(begun.elapsed() < PATIENCE, "no media since {since:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn forget_gaps(&self) {
        let mut heard = self.heard.lock().expect("nobody panics with it");
        let streams = heard.values_mut();
        streams.for_each(|stream| stream.longest_gap = Duration::ZERO);
    }

    fn longest_gap(&self) -> Duration {
        let heard = self.heard.lock().expect("nobody panics with it");
        let gaps = heard.values().map(|stream| stream.longest_gap);
        gaps.max().unwrap_or_default()
    }
}

/// Two people who see and hear each other, on a server that is about to be attacked.
pub(crate) struct Bystanders {
    pub(crate) server: Serving,
    pub(crate) api: Api,
    pub(crate) room: String,
    pub(crate) ann: Seat,
    pub(crate) ben: Seat,
    folder: TempDir,
    before: u64,
}

impl Bystanders {
    pub(crate) async fn talking() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Command)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = calls(folder.path(), "serve --dev");
        command.stderr(File::create(folder.path().join("log")).expect("a file"));
        change(&mut command);
        let server = Serving::start(command);
        let api = Api::of(&server);
        let room = api.room().await;
        let ann = Seat::take(&api, &room, "ann", None, [None; 2]).await;
        let ben = Seat::take(&api, &room, "ben", None, [None; 2]).await;
        let mut all = Self {
            server,
            api,
            room,
            ann,
            ben,
            folder,
            before: 0,
        };
        all.both_perceive(Duration::from_nanos(1)).await;
        all.before = all.resident();
        all.ann.forget_gaps();
        all.ben.forget_gaps();
        all
    }

    async fn both_perceive(&self, since: Duration) {
        self.ann.perceives(&self.ben, since).await;
        self.ben.perceives(&self.ann, since).await;
    }

    /// Where media is received.
    pub(crate) fn media(&self) -> SocketAddr {
        let (_, rest) = self.server.banner.split_once("UDP and TCP ").expect("told");
        let port = rest.split_whitespace().next().expect("a number");
        SocketAddr::from(([127, 0, 0, 1], port.parse().expect("a number")))
    }

    /// Where HTTP is.
    pub(crate) fn http(&self) -> SocketAddr {
        self.server.address.parse().expect("an address")
    }

    /// Bytes of memory that the server has.
    fn resident(&self) -> u64 {
        let file = format!("/proc/{}/status", self.server.child.id());
        let status = std::fs::read_to_string(file).expect("it runs");
        let mut lines = status.lines();
        let line = lines.find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        kib.expect("memory").parse::<u64>().expect("a number") * 1024
    }

    /// Everything is as it was: the server is well and has grown by less than this, and the two had no break.
    pub(crate) async fn are_unharmed(&mut self, grown_mb: u64) {
        let asked = self.api.http.get(self.server.url("/readyz"));
        let ready = asked.timeout(PATIENCE).send().await.expect("it answers");
        assert_eq!(ready.status(), 200);
        self.both_perceive(now()).await;
        for seat in [&self.ann, &self.ben] {
            let gap = seat.longest_gap();
            eprintln!("measured: the longest gap is {gap:?}");
            assert!(
                gap < UNNOTICED,
                "a voice or a picture stood still for {gap:?}"
            );
        }
        let chat = json!({ "text": "still here" });
        self.ann.socket.ask("chat", chat).await.expect("it is said");
        let heard = self.ben.socket.event("chat").await;
        assert_eq!(heard["text"], "still here");
        let after = self.resident();
        let grown = after.saturating_sub(self.before) / 1024;
        eprintln!("measured: grown by {grown} KiB");
        let most = self.before + grown_mb * 1024 * 1024;
        assert!(after < most, "grew from {} to {after} bytes", self.before);
        let log = self.folder.path().join("log").metadata().expect("a log");
        assert!(log.len() < LOG_BOUND, "logged {} bytes", log.len());
    }
}
