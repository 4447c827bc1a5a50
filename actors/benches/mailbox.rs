//! What a burst costs on its way through a room: one publisher, fifty who watch.

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on ends")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use actix::prelude::*;
use bytes::Bytes;
use calls_actors::call::{RoomOpened, Roster, RosterChanged};
use calls_actors::lifeline::ChildEnded;
use calls_actors::room::door::CallDoor;
use calls_actors::room::membership::Rules;
use calls_actors::room::stage::Announced;
use calls_actors::room::{NewRoom, Packets, Rejoin, Room, Watch};
use calls_actors::testing::{LocalSeats, MemoryJournal, Probe, ProbeMember, services};
use calls_media::seam::{Codec, Layer, LayerSet, Packet, PayloadInfo, PeerId, TrackId};
use calls_model::{Call, CallId, Member, ParticipantId, Role, Source};
use chrono::DateTime;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const WATCHERS: usize = 50;
const TRACK: TrackId = TrackId {
    peer: PeerId(1),
    index: 0,
};

/// Bursts that are under way together: what a wake-up of the port brings.
const TOGETHER: u64 = 8;

fn id(number: usize) -> ParticipantId {
    format!("part_{number:03}").parse().unwrap()
}

fn member(number: usize) -> Member {
    Member {
        user_id: format!("user {number}").parse().unwrap(),
        role: Role::Participant,
        audio: false,
        video: false,
        joined_at: DateTime::UNIX_EPOCH.into(),
        participant_id: Some(id(number)),
        display_name: None,
        screen: false,
        hand: false,
        reconnecting: false,
        left_at: None,
        hidden: false,
    }
}

fn call() -> Call {
    let call = serde_json::json!({
        "call_id": "call_1", "type": "video", "status": "active", "participants": [],
        "started_at": null, "duration_seconds": 0, "recording": false, "transcription": false,
    });
    serde_json::from_value(call).unwrap()
}

fn burst(packets: usize) -> Packets {
    let packet = Packet {
        track: TRACK,
        layer: Layer(0),
        codec: Codec::Vp8,
        seq: 1,
        timestamp: 0,
        marker: false,
        arrival: Instant::now(),
        audio_level: None,
        orientation: None,
        dependency_descriptor: None,
        info: PayloadInfo::default(),
        payload: Bytes::from_static(&[0; 1100]),
    };
    let layers = LayerSet::only(Layer(0));
    Packets {
        track: TRACK,
        layers,
        burst: vec![packet; packets].into(),
    }
}

/// A room and what keeps its doors open.
struct Hall {
    room: Addr<Room>,
    members: Vec<ProbeMember>,
    _call: (
        Probe<RoomOpened>,
        Probe<RosterChanged>,
        Probe<ChildEnded<CallId>>,
    ),
}

impl Hall {
    async fn open() -> Self {
        let (journal, _facts) = MemoryJournal::start();
        let probes = (Probe::start(), Probe::start(), Probe::start());
        let inside = (0..=WATCHERS).map(member).collect();
        let room = Room::open(
            NewRoom {
                call: call(),
                room: None,
                rules: Rules {
                    limit: 100,
                    waiting_room: false,
                    locked: false,
                    host: None,
                },
                recovered: false,
                before: Some(Roster {
                    inside,
                    ..Roster::default()
                }),
                parent: CallDoor {
                    opened: probes.0.recipient().downgrade(),
                    roster: probes.1.recipient().downgrade(),
                    record: None,
                    gave_up: None,
                    transcribe: None,
                    deaf: None,
                    ended: probes.2.recipient().downgrade(),
                },
                services: services(journal),
            },
            Box::new(LocalSeats::start()),
        );
        let mut members = Vec::new();
        for number in 0..=WATCHERS {
            let member = ProbeMember::forgetful();
            let camera = Announced {
                track: TRACK,
                source: Source::Camera,
                layers: 1,
                codecs: [].into(),
                muted: false,
            };
            let rejoin = Rejoin {
                who: id(number),
                participant: None,
                door: member.door.clone(),
                attached: true,
                tracks: (number == 0).then_some(camera).into_iter().collect(),
                watching: Vec::new(),
            };
            room.send(rejoin).await.unwrap();
            if number > 0 {
                let layers = LayerSet::only(Layer(0));
                room.send(Watch {
                    who: id(number),
                    track: TRACK,
                    layers,
                })
                .await
                .unwrap();
            }
            members.push(member);
        }
        Self {
            room,
            members,
            _call: probes,
        }
    }

    /// Sends that many bursts and waits until the last one has arrived everywhere.
    async fn pass(&self, packets: &Packets, bursts: u64) {
        for _ in 0..bursts {
            self.room.do_send(packets.clone());
        }
        // What the room handles last, its last watcher hears last.
        let watch = Watch {
            who: id(0),
            track: TRACK,
            layers: LayerSet::NONE,
        };
        self.room.send(watch).await.unwrap();
        self.members[WATCHERS].nothing_waits().await;
    }
}

fn fan_out(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("room to 50 listeners");
    group
        .measurement_time(Duration::from_secs(3))
        .warm_up_time(Duration::from_secs(1));
    for packets in [1, 10, 16] {
        let system = System::new();
        let hall = system.block_on(Hall::open());
        let burst = burst(packets);
        // Per forwarded packet, so that it can be held against the budget of the hot path.
        group.throughput(Throughput::Elements(
            packets as u64 * WATCHERS as u64 * TOGETHER,
        ));
        group.bench_function(BenchmarkId::new("burst of", packets), |bencher| {
            bencher.iter(|| system.block_on(hall.pass(black_box(&burst), TOGETHER)));
        });
    }
    group.finish();
}

criterion_group!(benches, fan_out);
criterion_main!(benches);
