//! Media through the whole tree of actors, over real sockets on the loopback interface, with crashes in it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod client;

use std::time::Duration;

use actix::prelude::*;
use calls_actors::calls::{Calls, End, FindParticipant, JoinRoom, Seat};
use calls_actors::metrics::{ActorKind, LiveCount};
use calls_actors::participant::{Attach, ClientRequest, Greeting, Participant, ToClient};
use calls_actors::room::NewRoom;
use calls_actors::room::places::Places;
use calls_actors::testing::{CrashActor, MemoryJournal, Probe, TestClock, Victim};
use calls_actors::{MediaConfig, MediaPorts};
use calls_model::signal::{Limits, Mute, Request};
use calls_model::{Room, RoomSettings, RoomType, Source};
use chrono::DateTime;

use client::Client;

/// How long a crash may interrupt media.
const SOON: Duration = Duration::from_secs(2);

/// Packets of each kind that show that media flows: a tenth of a second.
const FLOWING: usize = 5;

struct Server {
    calls: Addr<Calls>,
    living: LiveCount,
    ports: MediaPorts,
}

/// Somebody with a socket and a connection.
struct Tab {
    seat: Seat,
    participant: Addr<Participant>,
    client: Client,
    _socket: Probe<ToClient>,
}

/// Every room on the first port, and its members on the ports in turn.
struct Divided(MediaPorts);

impl Places for Divided {
    fn choose(&self, _: usize) -> usize {
        0
    }

    fn open(&self, place: usize, room: NewRoom) {
        let count = self.0.count();
        self.0
            .open_room(place, room, move |members| members % count);
    }
}

impl Server {
    fn start() -> Self {
        Self::with(vec![0], |ports| ports)
    }

    /// With members of a room on both of two ports.
    fn divided() -> Self {
        Self::with(vec![0, 0], Divided)
    }

    fn with<P: Places>(ports: Vec<u16>, places: impl FnOnce(MediaPorts) -> P) -> Self {
        let config = MediaConfig {
            bind: [127, 0, 0, 1].into(),
            ports,
            advertised: Vec::new(),
            loopback: true,
            tcp_connections: 0,
            segmentation_offload: true,
        };
        let ports = MediaPorts::start(&config).unwrap();
        let (journal, _facts) = MemoryJournal::start();
        let calls = Calls::new(journal, TestClock::start(), places(ports.clone()));
        Self {
            living: calls.living(),
            calls: calls.start(),
            ports,
        }
    }

    async fn join(&self, name: &str) -> Tab {
        let join = JoinRoom {
            room: Room {
                room_id: "room_hall".parse().unwrap(),
                name: "Hall".parse().unwrap(),
                room_type: RoomType::Persistent,
                max_participants: 8,
                settings: RoomSettings::default(),
                current_participants: 0,
                created_at: DateTime::UNIX_EPOCH.into(),
                scheduled_at: None,
                locked: false,
                host: None,
                encryption: calls_model::Encryption::Transport,
                org_id: calls_model::OrgId::default(),
                phrases: Vec::new(),
            },
            user_id: name.parse().unwrap(),
            display_name: None,
            role: None,
            guest: false,
            hidden: false,
        };
        let seat = self.calls.send(join).await.unwrap().unwrap().seat;
        let find = FindParticipant {
            call_id: seat.call_id.clone(),
            participant_id: seat.participant_id.clone(),
        };
        let participant = self.calls.send(find).await.unwrap().unwrap().participant;
        let socket = Probe::start();
        let limits = Limits {
            max_frame_bytes: 1,
            frames_per_second: 1,
            audio_slots: 1,
            video_slots: 1,
            resume_seconds: 30,
            max_file_bytes: 0,
        };
        let greeting = Greeting {
            resume_token: String::new(),
            ice_servers: Vec::new(),
            limits,
        };
        let attach = Attach {
            door: socket.recipient(),
            resume: None,
            greeting,
        };
        participant.send(attach).await.unwrap().unwrap();
        let client = Client::connect(&participant).await;
        Tab {
            seat,
            participant,
            client,
            _socket: socket,
        }
    }

    async fn crash(&self, tab: &Tab, victim: Victim) {
        let call_id = tab.seat.call_id.clone();
        assert!(
            self.calls
                .send(CrashActor { call_id, victim })
                .await
                .unwrap()
        );
    }

    /// Ends the call and asserts that nobody is left.
    async fn end(self, tabs: impl IntoIterator<Item = Tab>) {
        for Tab { seat, client, .. } in tabs {
            let end = End {
                call_id: seat.call_id,
                by: None,
            };
            let _ended = self.calls.send(end).await.unwrap(); // the first one ends it for all
            client.close().await;
        }
        for _ in 0..100 {
            if self.living.total() == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(self.living.total(), 0, "{:?}", self.living);
        self.ports.stop();
    }
}

#[actix::test]
async fn two_people_hear_and_see_each_other() {
    let server = Server::start();
    let (ann, bob) = (server.join("ann").await, server.join("bob").await);
    ann.client.hears_and_sees(25).await;
    bob.client.hears_and_sees(25).await;
    server.end([ann, bob]).await;
}

#[actix::test]
async fn media_flows_again_soon_after_a_crash_of_the_room() {
    let server = Server::start();
    let (ann, bob) = (server.join("ann").await, server.join("bob").await);
    ann.client.hears_and_sees(FLOWING).await;
    bob.client.hears_and_sees(FLOWING).await;

    server.crash(&ann, Victim::Room).await;
    tokio::time::sleep(Duration::from_millis(50)).await; // what was under way arrives
    for tab in [&ann, &bob] {
        let took = tab.client.hears_and_sees(FLOWING).await;
        assert!(took < SOON, "{took:?}");
    }
    server.end([ann, bob]).await;
}

#[actix::test]
async fn media_flows_on_through_a_crash_of_the_call() {
    let server = Server::start();
    let (ann, bob) = (server.join("ann").await, server.join("bob").await);
    ann.client.hears_and_sees(FLOWING).await;
    bob.client.hears_and_sees(FLOWING).await;
    server.crash(&ann, Victim::Call).await;
    let took = bob.client.hears_and_sees(FLOWING).await;
    assert!(took < SOON / 2, "{took:?}");
    server.end([ann, bob]).await;
}

#[actix::test]
async fn a_crash_of_one_participant_leaves_the_others_in_sight_and_it_can_come_back() {
    let server = Server::start();
    let (ann, bob) = (server.join("ann").await, server.join("bob").await);
    let cid = server.join("cid").await;
    ann.client.hears_and_sees(FLOWING).await;

    let victim = Victim::Participant(cid.seat.participant_id.clone());
    server.crash(&cid, victim).await;
    for tab in [&ann, &bob] {
        let took = tab.client.hears_and_sees(FLOWING).await;
        assert!(took < SOON, "{took:?}");
    }
    cid.client.close().await;
    let again = server.join("cid").await;
    again.client.hears_and_sees(FLOWING).await;
    server.end([ann, bob, again]).await;
}

#[actix::test]
async fn what_is_muted_is_not_forwarded() {
    let server = Server::start();
    let (ann, bob) = (server.join("ann").await, server.join("bob").await);
    bob.client.hears_and_sees(FLOWING).await;

    let mute = |muted| {
        let request = Request::Mute(Mute {
            source: Source::Microphone,
            muted,
        });
        ann.participant.send(ClientRequest { request })
    };
    mute(true).await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await; // what was under way arrives
    let (heard, seen) = (bob.client.heard(), bob.client.seen());
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(bob.client.heard(), heard);
    assert!(bob.client.seen() > seen + FLOWING, "the camera goes on");

    mute(false).await.unwrap().unwrap();
    bob.client.hears_and_sees(FLOWING).await;
    server.end([ann, bob]).await;
}

#[actix::test]
async fn a_room_on_two_threads_is_one_room() {
    let server = Server::divided();
    let ann = server.join("ann").await;
    let (bob, cid) = (server.join("bob").await, server.join("cid").await);
    let ports = [0, 1].map(|index| server.ports.stats(index).unwrap().peers);
    assert_eq!(ports, [2, 1]);
    for tab in [&ann, &bob, &cid] {
        tab.client.hears_and_sees(25).await;
    }
    assert_eq!(server.living.of(ActorKind::Branch), 1);

    for victim in [Victim::Branches, Victim::Room, Victim::Call] {
        server.crash(&ann, victim.clone()).await;
        tokio::time::sleep(Duration::from_millis(50)).await; // what was under way arrives
        for tab in [&ann, &bob, &cid] {
            let took = tab.client.hears_and_sees(FLOWING).await;
            assert!(took < SOON, "{victim:?}: {took:?}");
        }
    }
    assert_eq!(server.living.of(ActorKind::Branch), 1, "the old ones ended");
    server.end([ann, bob, cid]).await;
}
