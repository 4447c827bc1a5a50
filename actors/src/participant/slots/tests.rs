use calls_media::seam::{Mid, PeerId};

use super::*;
use crate::room::stage::Announced;

fn id(name: &str) -> ParticipantId {
    format!("part_{name}").parse().unwrap()
}

fn staged(name: &str, source: Source) -> Staged {
    let number = name.bytes().map(u64::from).sum();
    let index = source as u32;
    Staged {
        participant_id: id(name),
        user_id: name.parse().unwrap(),
        display_name: None,
        announced: Announced {
            track: TrackId {
                peer: PeerId(number),
                index,
            },
            source,
            layers: 1,
            codecs: [].into(),
            muted: false,
        },
    }
}

fn stage(voices: &[&str], faces: &[&str]) -> Stage {
    Stage {
        audio: voices
            .iter()
            .map(|name| staged(name, Source::Microphone))
            .collect(),
        video: faces
            .iter()
            .map(|name| staged(name, Source::Camera))
            .collect(),
    }
}

fn slots(audio: usize, video: usize) -> Slots {
    let info = |kind, prefix: &str, index: usize| SlotInfo {
        mid: Mid(format!("{prefix}{index}").into()),
        kind,
        codecs: Vec::new(),
    };
    let audio = (0..audio).map(|index| info(Kind::Audio, "a", index));
    let video = (0..video).map(|index| info(Kind::Video, "v", index));
    let mut slots = Slots::new(id("me"));
    slots.negotiated(&audio.chain(video).collect::<Vec<_>>());
    slots
}

/// Who is in which slot, as the client would have it after all that it was told.
fn told(slots: &Slots) -> Vec<Option<String>> {
    let name = |id: &ParticipantId| id.as_str().trim_start_matches("part_").to_owned();
    slots
        .slots
        .iter()
        .map(|slot| slot.state.participant_id.as_ref().map(name))
        .collect()
}

fn wish(mid: &str, who: Option<&str>) -> ViewSlot {
    ViewSlot {
        mid: mid.to_owned(),
        participant_id: who.map(id),
        source: None,
        width: None,
        height: None,
    }
}

fn some(names: &[&str]) -> Vec<Option<String>> {
    names
        .iter()
        .map(|name| (*name != "-").then(|| (*name).to_owned()))
        .collect()
}

#[test]
fn with_fewer_voices_than_slots_everybody_is_heard_but_oneself() {
    let mut slots = slots(3, 0);
    slots.fill(&stage(&["ann", "me", "bob"], &[]));
    assert_eq!(told(&slots), some(&["ann", "bob", "-"]));
}

#[test]
fn the_loudest_take_the_slots_and_who_stays_loud_stays_in_place() {
    let mut slots = slots(2, 0);
    slots.fill(&stage(&["ann", "bob", "cid"], &[]));
    let changes = slots.fill(&stage(&["cid", "bob", "ann"], &[]));
    assert_eq!(told(&slots), some(&["cid", "bob"]));
    assert_eq!(changes.len(), 1, "bob's slot is not touched");
}

#[test]
fn without_a_view_pictures_follow_the_order_of_the_stage() {
    let mut slots = slots(0, 2);
    slots.fill(&stage(&[], &["ann", "bob", "cid"]));
    assert_eq!(told(&slots), some(&["ann", "bob"]));
}

#[test]
fn a_pinned_picture_is_shown_once_and_others_fill_the_rest() {
    let mut slots = slots(0, 2);
    let view = View {
        slots: vec![wish("v0", Some("cid")), wish("v1", None)],
    };
    slots.view(&view).unwrap();
    slots.fill(&stage(&[], &["cid", "ann", "bob"]));
    assert_eq!(told(&slots), some(&["cid", "ann"]));
}

#[test]
fn what_the_view_does_not_name_shows_nobody() {
    let mut slots = slots(1, 2);
    slots
        .view(&View {
            slots: vec![wish("v1", None)],
        })
        .unwrap();
    slots.fill(&stage(&["ann"], &["ann", "bob"]));
    assert_eq!(told(&slots), some(&["ann", "-", "ann"]));
}

#[test]
fn a_slot_of_no_height_is_hidden_and_nothing_is_sent_into_it() {
    let mut slots = slots(0, 1);
    slots.fill(&stage(&[], &["ann"]));
    let hidden = ViewSlot {
        width: Some(320),
        height: Some(0),
        ..wish("v0", Some("ann"))
    };
    slots
        .view(&View {
            slots: vec![hidden],
        })
        .unwrap();
    let changes = slots.fill(&stage(&[], &["ann"]));
    assert_eq!(changes[0].show, Some(None));
    assert_eq!(
        changes[0].tell.as_ref().unwrap().paused,
        Some(Paused::Hidden)
    );
}

#[test]
fn a_pinned_source_that_is_muted_keeps_its_slot_and_says_so() {
    let mut slots = slots(0, 1);
    slots
        .view(&View {
            slots: vec![wish("v0", Some("ann"))],
        })
        .unwrap();
    let mut stage = stage(&[], &["ann"]);
    slots.fill(&stage);
    stage.video[0].announced.muted = true;
    let changes = slots.fill(&stage);
    assert_eq!(changes[0].show, None);
    assert_eq!(
        changes[0].tell.as_ref().unwrap().paused,
        Some(Paused::Muted)
    );
}

#[test]
fn a_muted_voice_gives_its_slot_to_another() {
    let mut slots = slots(1, 0);
    let mut stage = stage(&["ann", "bob"], &[]);
    slots.fill(&stage);
    stage.audio[0].announced.muted = true;
    slots.fill(&stage);
    assert_eq!(told(&slots), some(&["bob"]));
}

#[test]
fn a_screen_can_be_asked_for_without_naming_whose() {
    let mut slots = slots(0, 2);
    let screen = ViewSlot {
        source: Some(Source::Screen),
        ..wish("v1", None)
    };
    slots
        .view(&View {
            slots: vec![wish("v0", None), screen],
        })
        .unwrap();
    let mut stage = stage(&[], &["ann", "bob"]);
    stage.video.insert(0, staged("bob", Source::Screen));
    slots.fill(&stage);
    assert_eq!(told(&slots), some(&["ann", "bob"]));
}

#[test]
fn more_slots_in_a_new_offer_leave_the_old_ones_alone() {
    let mut slots = slots(0, 1);
    slots.fill(&stage(&[], &["ann", "bob"]));
    let info = |mid: &str| SlotInfo {
        mid: Mid(mid.into()),
        kind: Kind::Video,
        codecs: Vec::new(),
    };
    slots.negotiated(&[info("v0"), info("v1")]);
    let changes = slots.fill(&stage(&[], &["bob", "ann"]));
    assert_eq!(told(&slots), some(&["ann", "bob"]));
    let news = |change: &&SlotChange| change.tell.is_some();
    assert_eq!(changes.iter().filter(news).count(), 1);
}

#[test]
fn a_view_of_an_unknown_slot_is_refused() {
    let mut slots = slots(0, 1);
    let refused = slots.view(&View {
        slots: vec![wish("v9", None)],
    });
    assert_eq!(
        refused,
        Err(UnknownSlot {
            mid: "v9".to_owned()
        })
    );
}

#[test]
fn one_user_can_be_watched_in_whatever_presence() {
    let mut slots = slots(0, 1);
    slots.watch_user(&"bob".parse().unwrap());
    slots.fill(&stage(&[], &["ann", "bob"]));
    assert_eq!(told(&slots), some(&["bob"]));
}

#[test]
fn a_picture_that_the_client_cannot_decode_is_not_chosen_and_a_pinned_one_says_why() {
    let mut slots = slots(0, 1);
    let vp8 = SlotInfo {
        mid: Mid("v0".into()),
        kind: Kind::Video,
        codecs: vec![Codec::Vp8],
    };
    slots.negotiated(&[vp8]);
    let mut stage = stage(&[], &["ann", "bob"]);
    stage.video[0].announced.codecs = [Codec::Av1].into();
    stage.video[1].announced.codecs = [Codec::Av1, Codec::Vp8].into();
    slots.fill(&stage);
    assert_eq!(told(&slots), some(&["bob"]));

    slots
        .view(&View {
            slots: vec![wish("v0", Some("ann"))],
        })
        .unwrap();
    let changes = slots.fill(&stage);
    assert_eq!(
        changes[0].tell.as_ref().unwrap().paused,
        Some(Paused::Codec)
    );
}

#[test]
fn what_the_path_withholds_is_told_and_told_again_when_it_fits() {
    let mut slots = slots(0, 1);
    slots.fill(&stage(&[], &["ann"]));
    let told = slots.obstruct("v0", Obstacle::Bandwidth, true).unwrap();
    assert_eq!(told.paused, Some(Paused::Bandwidth));
    assert_eq!(slots.obstruct("v0", Obstacle::Bandwidth, true), None);
    let told = slots.obstruct("v0", Obstacle::Bandwidth, false).unwrap();
    assert_eq!(told.paused, None);
}

#[test]
fn somebody_else_in_a_slot_starts_without_the_obstacle_of_the_one_before() {
    let mut slots = slots(0, 1);
    slots.fill(&stage(&[], &["ann"]));
    slots.obstruct("v0", Obstacle::Codec, true).unwrap();
    let changes = slots.fill(&stage(&[], &["bob"]));
    let told = changes[0].tell.as_ref().unwrap();
    assert_eq!(told.participant_id, Some(id("bob")));
    assert_eq!(told.paused, None);
}

#[test]
fn an_obstacle_of_an_empty_slot_is_no_news() {
    let mut slots = slots(0, 1);
    assert_eq!(slots.obstruct("v0", Obstacle::Bandwidth, true), None);
}

#[test]
fn screens_matter_most_then_whoever_spoke_last_or_was_pinned() {
    let mut slots = slots(0, 4);
    let mut stage = stage(&[], &["screen", "ann", "bob", "cid"]);
    stage.video[0].announced.source = Source::Screen;
    slots
        .view(&View {
            slots: vec![
                wish("v0", Some("bob")),
                ViewSlot {
                    source: Some(Source::Screen),
                    ..wish("v1", None)
                },
                wish("v2", None),
                wish("v3", None),
            ],
        })
        .unwrap();
    let priorities: Vec<_> = slots
        .fill(&stage)
        .iter()
        .map(|change| change.show.flatten().unwrap().priority)
        .collect();
    assert_eq!(
        priorities,
        [
            Priority::Speaker,
            Priority::Screen,
            Priority::Speaker,
            Priority::Usual
        ]
    );
}
