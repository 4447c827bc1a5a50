//! Members whose connections live on other arbiters than their room.

use super::*;
use crate::testing::{Crash, CrashWithin, Victim};

/// Ann publishes beside the room, Bob watches beside it, Cid and Dan watch from elsewhere.
async fn divided() -> (Hall, [ProbeMember; 4]) {
    let hall = Hall::reopen(&["ann", "bob", "cid", "dan"]);
    let members = [
        hall.rejoin("ann", publishes()).await,
        hall.rejoin("bob", vec![]).await,
        hall.rejoin_at(1, "cid", vec![]).await,
        hall.rejoin_at(1, "dan", vec![]).await,
    ];
    (hall, members)
}

fn first_burst(heard: Vec<Heard>) -> Burst {
    let burst = |one| match one {
        Heard::Packets(packets) => Some(packets.burst),
        _ => None,
    };
    heard.into_iter().find_map(burst).expect("something came")
}

fn wanted(heard: Vec<Heard>) -> Vec<LayerSet> {
    let watched = |one| match one {
        Heard::Watched(Watched { layers, .. }) => Some(layers),
        _ => None,
    };
    heard.into_iter().filter_map(watched).collect()
}

#[actix::test]
async fn media_crosses_to_another_arbiter_once() {
    let (hall, [_ann, bob, cid, dan]) = divided().await;
    for name in ["bob", "cid", "dan"] {
        hall.watch(name, FACE, LayerSet::only(SMALL)).await;
    }
    let sent = packets(FACE, SMALL, None);
    hall.room.do_send(sent.clone());
    hall.room.do_send(packets(FACE, LARGE, None)); // which nobody watches
    let [bob, cid, dan] = [bob.heard().await, cid.heard().await, dan.heard().await];
    assert_eq!([&bob, &cid, &dan].map(|heard| bursts(heard)), [1, 1, 1]);
    assert!(first_burst(bob).is(&sent.burst));
    let copy = first_burst(cid);
    assert!(!copy.is(&sent.burst), "threads share no counts");
    assert!(
        copy.is(&first_burst(dan)),
        "and those of one thread one copy"
    );
}

#[actix::test]
async fn what_is_wanted_elsewhere_counts_as_what_is_wanted_here() {
    let (hall, [ann, ..]) = divided().await;
    ann.heard().await;
    let (small, large) = (LayerSet::only(SMALL), LayerSet::only(LARGE));
    hall.watch("cid", FACE, small).await;
    hall.watch("dan", FACE, large).await;
    hall.watch("bob", FACE, small).await;
    assert_eq!(wanted(ann.heard().await), [small, small.union(large)]);
    for (name, reason) in [("dan", LeaveReason::Left), ("cid", LeaveReason::Left)] {
        hall.room.do_send(Deed {
            who: id(name),
            what: Did::Leave(reason),
        });
    }
    assert_eq!(wanted(ann.heard().await), [small], "bob still watches");
}

#[actix::test]
async fn clocks_reach_those_elsewhere() {
    let (hall, [_ann, _bob, cid, dan]) = divided().await;
    hall.watch("cid", FACE, LayerSet::only(SMALL)).await;
    hall.room.do_send(ClockTold(SourceClock {
        track: FACE,
        layer: SMALL,
        ntp: 1,
        rtp: 1,
        arrival: clock::instant(),
    }));
    let clocks = |heard: Vec<Heard>| {
        let clock = |one: &&Heard| matches!(one, Heard::Clock(_));
        heard.iter().filter(clock).count()
    };
    assert_eq!(clocks(cid.heard().await), 1);
    assert_eq!(clocks(dan.heard().await), 0, "who does not watch");
}

#[actix::test]
async fn a_track_that_ended_is_watched_nowhere() {
    let (hall, [ann, _bob, cid, _dan]) = divided().await;
    hall.watch("cid", FACE, LayerSet::only(SMALL)).await;
    let tracks = vec![announced(VOICE, Source::Microphone, 1)];
    hall.room.do_send(Deed {
        who: id("ann"),
        what: Did::Publish(tracks),
    });
    ann.heard().await;
    hall.room.do_send(packets(FACE, SMALL, None));
    assert_eq!(bursts(&cid.heard().await), 0);
}

#[actix::test]
async fn after_a_crash_of_a_branch_a_fresh_one_knows_who_watches() {
    let (hall, [ann, _bob, cid, dan]) = divided().await;
    hall.watch("cid", FACE, LayerSet::only(SMALL)).await;
    hall.watch("dan", VOICE, LayerSet::only(SMALL)).await;
    ann.heard().await;

    // Four crashes: the last one has to wait.
    for rest in [0, 0, 0, 6] {
        hall.room.do_send(CrashWithin(Victim::Branches));
        settle().await;
        tokio::time::sleep(rest * SECOND).await;
        hall.room.do_send(packets(FACE, SMALL, None));
        hall.room.do_send(packets(VOICE, SMALL, Some(20)));
        assert_eq!(bursts(&cid.heard().await), 1);
        assert_eq!(bursts(&dan.heard().await), 1);
    }
    let keyframe = |one: &Heard| matches!(one, Heard::Keyframe(_));
    assert!(ann.heard().await.iter().any(keyframe), "what was lost");
}

#[actix::test]
async fn of_what_a_resting_branch_would_take_nothing_is_wanted() {
    let (hall, [ann, _bob, cid, dan]) = divided().await;
    let (small, large) = (LayerSet::only(SMALL), LayerSet::only(LARGE));
    hall.watch("cid", FACE, small).await;
    for _ in 0..4 {
        hall.room.do_send(CrashWithin(Victim::Branches));
        settle().await;
    }
    assert_eq!(wanted(ann.heard().await).last(), Some(&LayerSet::NONE));
    hall.watch("dan", FACE, large).await;
    assert_eq!(wanted(ann.heard().await), [], "nobody would take it");
    tokio::time::sleep(6 * SECOND).await;
    assert_eq!(wanted(ann.heard().await), [small.union(large)]);
    hall.room.do_send(packets(FACE, LARGE, None));
    assert_eq!(bursts(&dan.heard().await), 1);
    assert_eq!(bursts(&cid.heard().await), 0);
}

#[actix::test]
async fn branches_end_with_their_room() {
    let (hall, _members) = divided().await;
    hall.watch("cid", FACE, LayerSet::only(SMALL)).await;
    assert_eq!(hall.living.of(ActorKind::Branch), 1);
    hall.room.do_send(Crash);
    settle().await;
    assert_eq!(hall.living.of(ActorKind::Branch), 0);
}
