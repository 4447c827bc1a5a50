//! One room in virtual time, with probes where its members would be.

mod elsewhere;
mod storms;

use std::sync::Arc;
use std::time::Duration;

use calls_media::seam::{Codec, Packet, PayloadInfo, PeerId};
use calls_model::signal::Speaker;
use calls_model::{Fact, Role, Source};
use chrono::DateTime;

use super::*;
use crate::call::RosterChanged;
use crate::clock;
use crate::metrics::LiveCount;
use crate::participant::{Silence, Watched};
use crate::testing::{Heard, LocalSeats, MemoryJournal, Probe, ProbeMember, services, settle};

const SECOND: Duration = Duration::from_secs(1);
const VOICE: TrackId = TrackId {
    peer: PeerId(1),
    index: 0,
};
const FACE: TrackId = TrackId {
    peer: PeerId(1),
    index: 1,
};
const SMALL: Layer = Layer(0);
const LARGE: Layer = Layer(1);

struct Hall {
    room: Addr<Room>,
    facts: std::sync::mpsc::Receiver<Fact>,
    living: LiveCount,
    // Doors are weak: somebody has to keep what is behind them.
    _call: (
        Probe<RoomOpened>,
        Probe<RosterChanged>,
        Probe<ChildEnded<CallId>>,
    ),
}

fn id(name: &str) -> ParticipantId {
    format!("part_{name}").parse().unwrap()
}

fn member(name: &str) -> Member {
    Member {
        user_id: name.parse().unwrap(),
        role: if name == "ann" {
            Role::Host
        } else {
            Role::Participant
        },
        audio: false,
        video: false,
        joined_at: DateTime::UNIX_EPOCH.into(),
        participant_id: Some(id(name)),
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

impl Hall {
    /// A room that was opened anew: everybody of `names` is expected back.
    fn reopen(names: &[&str]) -> Self {
        tokio::time::pause();
        let (journal, facts) = MemoryJournal::start();
        let call_probes = (Probe::start(), Probe::start(), Probe::start());
        let inside = names.iter().map(|name| member(name)).collect();
        let new = NewRoom {
            call: call(),
            room: None,
            rules: Rules {
                limit: 8,
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
                opened: call_probes.0.recipient().downgrade(),
                roster: call_probes.1.recipient().downgrade(),
                record: None,
                gave_up: None,
                transcribe: None,
                deaf: None,
                ended: call_probes.2.recipient().downgrade(),
            },
            services: services(journal),
        };
        let living = new.services.living.clone();
        let room = Room::open(new, Box::new(LocalSeats::start()));
        Self {
            room,
            facts,
            living,
            _call: call_probes,
        }
    }

    async fn rejoin(&self, name: &str, tracks: Vec<Announced>) -> ProbeMember {
        self.rejoin_at(0, name, tracks).await
    }

    /// As somebody whose connection lives on that arbiter.
    async fn rejoin_at(&self, place: usize, name: &str, tracks: Vec<Announced>) -> ProbeMember {
        let member = ProbeMember::start();
        let door = MemberDoor {
            place,
            ..member.door.clone()
        };
        let watching = Vec::new();
        let (who, participant, attached) = (id(name), None, true);
        self.room.do_send(Rejoin {
            who,
            participant,
            door,
            attached,
            tracks,
            watching,
        });
        member.heard().await;
        member
    }

    async fn watch(&self, name: &str, track: TrackId, layers: LayerSet) {
        self.room
            .send(Watch {
                who: id(name),
                track,
                layers,
            })
            .await
            .unwrap();
    }
}

fn announced(track: TrackId, source: Source, layers: u8) -> Announced {
    Announced {
        track,
        source,
        layers,
        codecs: [].into(),
        muted: false,
    }
}

fn publishes() -> Vec<Announced> {
    vec![
        announced(VOICE, Source::Microphone, 1),
        announced(FACE, Source::Camera, 2),
    ]
}

fn packets(track: TrackId, layer: Layer, audio_level: Option<u8>) -> Packets {
    let packet = Packet {
        track,
        layer,
        codec: if audio_level.is_some() {
            Codec::Opus
        } else {
            Codec::Vp8
        },
        seq: 1,
        timestamp: 0,
        marker: false,
        arrival: clock::instant(),
        audio_level,
        orientation: None,
        dependency_descriptor: None,
        info: PayloadInfo::default(),
        payload: bytes::Bytes::new(),
    };
    Packets {
        track,
        layers: LayerSet::only(layer),
        burst: [packet].into(),
    }
}

fn bursts(heard: &[Heard]) -> usize {
    heard
        .iter()
        .filter(|one| matches!(one, Heard::Packets(_)))
        .count()
}

#[actix::test]
async fn media_reaches_only_those_who_watch_that_encoding() {
    let hall = Hall::reopen(&["ann", "bob", "cid", "dan"]);
    let ann = hall.rejoin("ann", publishes()).await;
    let (bob, cid) = (
        hall.rejoin("bob", vec![]).await,
        hall.rejoin("cid", vec![]).await,
    );
    let dan = hall.rejoin("dan", vec![]).await;
    hall.watch("bob", FACE, LayerSet::only(SMALL)).await;
    hall.watch("cid", FACE, LayerSet::only(LARGE)).await;

    hall.room.do_send(packets(FACE, SMALL, None));
    let heard = [
        bob.heard().await,
        cid.heard().await,
        dan.heard().await,
        ann.heard().await,
    ];
    assert_eq!(heard.map(|heard| bursts(&heard)), [1, 0, 0, 0]);
}

#[actix::test]
async fn a_publisher_hears_what_all_together_want() {
    let hall = Hall::reopen(&["ann", "bob", "cid"]);
    let ann = hall.rejoin("ann", publishes()).await;
    let _bob = hall.rejoin("bob", vec![]).await;
    let _cid = hall.rejoin("cid", vec![]).await;
    ann.heard().await;
    hall.watch("bob", FACE, LayerSet::only(SMALL)).await;
    hall.watch("cid", FACE, LayerSet::only(LARGE)).await;
    hall.watch("bob", FACE, LayerSet::NONE).await;

    let watched = |one| {
        if let Heard::Watched(Watched { layers, .. }) = one {
            Some(layers)
        } else {
            None
        }
    };
    let told: Vec<LayerSet> = ann.heard().await.into_iter().filter_map(watched).collect();
    let (small, large) = (LayerSet::only(SMALL), LayerSet::only(LARGE));
    assert_eq!(told, [small, small.union(large), large]);
}

#[actix::test]
async fn a_wish_for_a_key_frame_goes_to_the_publisher_alone() {
    let hall = Hall::reopen(&["ann", "bob"]);
    let ann = hall.rejoin("ann", publishes()).await;
    let bob = hall
        .rejoin(
            "bob",
            vec![announced(
                TrackId {
                    peer: PeerId(2),
                    index: 0,
                },
                Source::Camera,
                1,
            )],
        )
        .await;
    ann.heard().await;
    hall.room.do_send(KeyframeWanted {
        track: FACE,
        layer: SMALL,
    });
    let wanted = |one: &Heard| matches!(one, Heard::Keyframe(wanted) if wanted.track == FACE);
    assert!(ann.heard().await.iter().any(wanted));
    assert!(!bob.heard().await.iter().any(wanted));
}

#[actix::test]
async fn who_watches_later_hears_the_latest_clock() {
    let hall = Hall::reopen(&["ann", "bob"]);
    let _ann = hall.rejoin("ann", publishes()).await;
    let bob = hall.rejoin("bob", vec![]).await;
    let clock = |rtp| SourceClock {
        track: FACE,
        layer: SMALL,
        ntp: 1,
        rtp,
        arrival: clock::instant(),
    };
    hall.room.do_send(ClockTold(clock(1)));
    hall.room.do_send(ClockTold(clock(2)));
    hall.watch("bob", FACE, LayerSet::only(SMALL)).await;
    let told = |one| {
        if let Heard::Clock(ClockTold(clock)) = one {
            Some(clock.rtp)
        } else {
            None
        }
    };
    let clocks: Vec<u32> = bob.heard().await.into_iter().filter_map(told).collect();
    assert_eq!(clocks, [2]);
}

#[actix::test]
async fn who_cannot_keep_up_loses_bursts_and_a_key_frame_is_asked_for() {
    let hall = Hall::reopen(&["ann", "bob"]);
    let ann = hall.rejoin("ann", publishes()).await;
    let bob = hall.rejoin("bob", vec![]).await;
    hall.watch("bob", FACE, LayerSet::only(SMALL)).await;
    ann.heard().await;
    let sent = 2000;
    for _ in 0..sent {
        hall.room.do_send(packets(FACE, SMALL, None));
    }
    let heard = bursts(&bob.heard().await);
    assert!((1..sent).contains(&heard), "{heard} of {sent}");
    assert!(
        ann.heard()
            .await
            .iter()
            .any(|one| matches!(one, Heard::Keyframe(_)))
    );
}

#[actix::test]
async fn who_speaks_is_told_at_most_five_times_a_second() {
    let hall = Hall::reopen(&["ann", "bob"]);
    let _ann = hall.rejoin("ann", publishes()).await;
    let bob = hall.rejoin("bob", vec![]).await;
    bob.heard().await;
    for _ in 0..50 {
        hall.room.do_send(packets(VOICE, SMALL, Some(20)));
        tokio::time::sleep(SECOND / 50).await;
    }
    let spoke = |event| {
        if let Event::Speakers(speakers) = event {
            Some(speakers)
        } else {
            None
        }
    };
    let told: Vec<Vec<Speaker>> = bob.events().await.into_iter().filter_map(spoke).collect();
    assert!((1..=5).contains(&told.len()), "{told:?}");
    assert_eq!(told.last().unwrap()[0].participant_id, id("ann"));

    tokio::time::sleep(5 * SECOND).await;
    let told: Vec<Vec<Speaker>> = bob.events().await.into_iter().filter_map(spoke).collect();
    assert_eq!(told.last(), Some(&Vec::new()), "silence is told too");
}

#[actix::test]
async fn who_does_not_find_back_after_a_crash_is_gone() {
    let hall = Hall::reopen(&["ann", "bob"]);
    let bob = hall.rejoin("bob", vec![]).await;
    tokio::time::sleep(REJOIN_WITHIN + SECOND).await;
    let left = |event: &Event| matches!(event, Event::Participant(told) if told.participant.user_id.as_str() == "ann");
    assert!(bob.events().await.iter().any(left));
    let names: Vec<&str> = hall.facts.try_iter().map(|fact| fact.name()).collect();
    assert_eq!(
        names,
        ["participant.left", "participant.role_changed"],
        "bob is host now"
    );
}

#[actix::test]
async fn a_stranger_who_claims_to_be_back_is_sent_away() {
    let hall = Hall::reopen(&["ann"]);
    let eve = ProbeMember::start();
    let (door, tracks, watching) = (eve.door.clone(), vec![], vec![]);
    let (who, participant, attached) = (id("eve"), None, true);
    hall.room.do_send(Rejoin {
        who,
        participant,
        door,
        attached,
        tracks,
        watching,
    });
    assert!(matches!(
        eve.heard().await[..],
        [Heard::Out(ByeReason::Lost)]
    ));
}

#[actix::test]
async fn a_moderator_silences_at_once_and_everybody_sees_it() {
    let hall = Hall::reopen(&["ann", "bob"]);
    let ann = hall.rejoin("ann", vec![]).await;
    let bob = hall.rejoin("bob", publishes()).await;
    ann.heard().await;
    let action = Moderation::Mute {
        participant_id: id("bob"),
        source: None,
    };
    let by = Some(id("ann"));
    let moderated = hall
        .room
        .send(ModerateRoom { by, action })
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (moderated.muted, moderated.member.unwrap().audio),
        (1, false)
    );
    let silenced = |one: &Heard| {
        matches!(
            one,
            Heard::Silence(Silence {
                source: Source::Microphone
            })
        )
    };
    assert!(bob.heard().await.iter().any(silenced));
    let muted =
        |one: &Heard| matches!(one, Heard::Stage(stage) if stage.0.audio[0].announced.muted);
    assert!(ann.heard().await.iter().any(muted));
}

#[actix::test]
async fn muting_all_spares_moderators_and_counts() {
    let hall = Hall::reopen(&["ann", "bob", "cid"]);
    let voice = |peer| {
        vec![announced(
            TrackId {
                peer: PeerId(peer),
                index: 0,
            },
            Source::Microphone,
            1,
        )]
    };
    for (name, peer) in [("ann", 1), ("bob", 2), ("cid", 3)] {
        hall.rejoin(name, voice(peer)).await;
    }
    let action = Moderation::MuteAll;
    let moderated = hall
        .room
        .send(ModerateRoom { by: None, action })
        .await
        .unwrap()
        .unwrap();
    assert_eq!(moderated.muted, 2);
}

#[actix::test]
async fn what_somebody_published_goes_with_them() {
    let hall = Hall::reopen(&["ann", "bob"]);
    let ann = hall.rejoin("ann", publishes()).await;
    let bob = hall.rejoin("bob", vec![]).await;
    bob.heard().await;
    hall.room.do_send(Deed {
        who: id("ann"),
        what: Did::Leave(LeaveReason::Left),
    });
    assert!(matches!(
        ann.heard().await.last(),
        Some(Heard::Out(ByeReason::Left))
    ));
    let stage = |one| {
        if let Heard::Stage(stage) = one {
            Some(stage.0)
        } else {
            None
        }
    };
    let last: Option<Arc<Stage>> = bob.heard().await.into_iter().filter_map(stage).last();
    assert_eq!(*last.unwrap(), Stage::default());
    settle().await;
}

#[actix::test]
async fn after_a_crash_nobody_hears_of_half_a_stage() {
    let hall = Hall::reopen(&["ann", "bob", "cid"]);
    let ann = hall.rejoin("ann", publishes()).await;
    let bob = hall.rejoin("bob", vec![]).await;
    hall.watch("bob", FACE, LayerSet::only(SMALL)).await;
    let quiet = |one: &Heard| !matches!(one, Heard::Stage(_) | Heard::Watched(_));
    assert!(
        ann.heard()
            .await
            .iter()
            .chain(&bob.heard().await)
            .all(quiet)
    );
    hall.room.do_send(packets(FACE, SMALL, None));
    assert_eq!(bursts(&bob.heard().await), 1, "but media flows");

    let cid = hall.rejoin("cid", vec![]).await;
    for member in [&ann, &bob] {
        assert!(
            member
                .heard()
                .await
                .iter()
                .any(|one| matches!(one, Heard::Stage(_)))
        );
    }
    drop(cid);
}

#[actix::test]
async fn after_a_crash_pictures_that_are_watched_begin_afresh() {
    let hall = Hall::reopen(&["ann", "bob"]);
    let ann = hall.rejoin("ann", publishes()).await;
    let bob = ProbeMember::start();
    hall.room.do_send(Rejoin {
        who: id("bob"),
        participant: None,
        door: bob.door.clone(),
        attached: true,
        tracks: vec![],
        watching: vec![(FACE, LayerSet::only(SMALL))],
    });
    let asked = |one| match one {
        Heard::Keyframe(wanted) => Some((wanted.track, wanted.layer)),
        _ => None,
    };
    let asked: Vec<_> = ann.heard().await.into_iter().filter_map(asked).collect();
    assert_eq!(asked, [(FACE, SMALL)]);
}
