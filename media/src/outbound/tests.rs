mod continuity;
mod feedback;
mod probes;
mod svc;

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::*;
use crate::codecs;
use crate::rtp::RtpView;
use crate::seam::{
    Bitrate, Codec, CodecSpec, Feedback, Layer, LayerSet, Packet, PayloadType, PeerId, Priority,
    TrackId,
};
use crate::testing::{PT, Sent, TRACK, keyframe, packet, slot};

const MS: Duration = Duration::from_millis(1);
const OTHER: TrackId = TrackId {
    peer: PeerId(2),
    index: 0,
};

fn outbound(codecs: &[Codec]) -> (Outbound, Instant) {
    let now = Instant::now();
    let mut outbound = Outbound::new(Ssrc(1), "calls", now);
    outbound.set_slots(codecs.iter().map(|&codec| slot(codec)).collect());
    (outbound, now)
}

fn point(outbound: &mut Outbound, mid: &str, track: TrackId, now: Instant) {
    let shown = Shown {
        track,
        layers: 1,
        size: None,
        priority: Priority::Usual,
    };
    outbound.show(mid, Some(shown), now).unwrap();
}

fn events(outbound: &mut Outbound) -> Vec<OutboundEvent> {
    std::iter::from_fn(|| outbound.poll_event()).collect()
}

fn watch(track: TrackId, layers: &[u8]) -> OutboundEvent {
    let layers = layers
        .iter()
        .map(|&layer| Layer(layer))
        .fold(LayerSet::NONE, LayerSet::with);
    OutboundEvent::Watch { track, layers }
}

fn ask(track: TrackId, layer: u8) -> OutboundEvent {
    OutboundEvent::Keyframe {
        track,
        layer: Layer(layer),
    }
}

/// Forwards the packets as one burst; sequence numbers and markers that left.
fn forward(outbound: &mut Outbound, packets: Vec<Packet>, now: Instant) -> Vec<(u16, bool)> {
    let mut sent = Sent::default();
    outbound.forward(&packets.into(), now, &mut sent);
    let views = sent
        .0
        .iter()
        .map(|(_, _, bytes)| RtpView::parse(bytes).unwrap());
    views.map(|view| (view.sequence, view.marker)).collect()
}

fn opus(seq: u64) -> Packet {
    Packet {
        codec: Codec::Opus,
        ..packet(seq)
    }
}

#[test]
fn a_burst_leaves_through_every_slot_that_shows_its_track() {
    let (mut outbound, now) = outbound(&[Codec::Vp8]);
    let second = SlotSpec {
        mid: crate::seam::Mid("v1".into()),
        ssrc: Ssrc(9),
        ..slot(Codec::Vp8)
    };
    outbound.set_slots(vec![slot(Codec::Vp8), second]);
    for mid in ["v0", "v1"] {
        point(&mut outbound, mid, TRACK, now);
    }
    let mut sent = Sent::default();
    outbound.forward(&vec![keyframe(10), packet(11)].into(), now, &mut sent);
    let ssrcs: Vec<_> = sent.0.iter().map(|(ssrc, ..)| ssrc.0).collect();
    assert_eq!(ssrcs, [0x2_0000, 0x2_0000, 9, 9]);
    let elsewhere = Packet {
        track: OTHER,
        ..keyframe(1)
    };
    assert!(forward(&mut outbound, vec![elsewhere], now).is_empty());
}

#[test]
fn there_is_no_slot_but_those_negotiated() {
    let (mut outbound, now) = outbound(&[Codec::Vp8]);
    assert_eq!(outbound.show("x", None, now), Err(NoSuchSlot));
}

#[test]
fn pointing_a_slot_asks_to_watch_and_for_a_key_frame_once() {
    let (mut outbound, now) = outbound(&[Codec::Vp8]);
    point(&mut outbound, "v0", TRACK, now);
    assert_eq!(events(&mut outbound), [watch(TRACK, &[0]), ask(TRACK, 0)]);
    point(&mut outbound, "v0", TRACK, now);
    assert!(events(&mut outbound).is_empty(), "nothing changed");
    point(&mut outbound, "v0", OTHER, now);
    let moved = [watch(TRACK, &[]), watch(OTHER, &[0]), ask(OTHER, 0)];
    assert_eq!(events(&mut outbound), moved);
    outbound.show("v0", None, now).unwrap();
    assert_eq!(events(&mut outbound), [watch(OTHER, &[])]);
}

#[test]
fn two_slots_of_one_track_watch_what_either_wants() {
    let (mut outbound, now) = outbound(&[Codec::Vp8]);
    let second = SlotSpec {
        mid: crate::seam::Mid("v1".into()),
        ssrc: Ssrc(9),
        ..slot(Codec::Vp8)
    };
    outbound.set_slots(vec![slot(Codec::Vp8), second]);
    let sized = |size| {
        Some(Shown {
            track: TRACK,
            layers: 3,
            size: Some(size),
            priority: Priority::Usual,
        })
    };
    outbound.show("v0", sized((160, 90)), now).unwrap();
    outbound.show("v1", sized((1280, 720)), now).unwrap();
    assert!(events(&mut outbound).contains(&watch(TRACK, &[0, 2])));
    outbound.show("v1", None, now).unwrap();
    assert_eq!(events(&mut outbound), [watch(TRACK, &[0])]);
}

#[test]
fn a_hidden_tile_gets_nothing_and_watches_nothing() {
    let (mut outbound, now) = outbound(&[Codec::Vp8]);
    point(&mut outbound, "v0", TRACK, now);
    forward(&mut outbound, vec![keyframe(10)], now);
    events(&mut outbound);
    let hidden = Shown {
        track: TRACK,
        layers: 1,
        size: Some((0, 90)),
        priority: Priority::Usual,
    };
    outbound.show("v0", Some(hidden), now).unwrap();
    assert_eq!(events(&mut outbound), [watch(TRACK, &[])]);
    assert!(forward(&mut outbound, vec![keyframe(11)], now).is_empty());
    point(&mut outbound, "v0", TRACK, now);
    assert_eq!(events(&mut outbound), [watch(TRACK, &[0]), ask(TRACK, 0)]);
    assert_eq!(
        forward(&mut outbound, vec![packet(12), keyframe(13)], now),
        [(1, false)]
    );
}

#[test]
fn packets_dropped_before_the_key_frame_leave_no_gap() {
    let (mut outbound, now) = outbound(&[Codec::Vp8]);
    point(&mut outbound, "v0", TRACK, now);
    let sent = forward(
        &mut outbound,
        vec![packet(10), packet(11), keyframe(12), packet(13)],
        now,
    );
    assert_eq!(sent, [(0, false), (1, false)]);
    point(&mut outbound, "v0", OTHER, now);
    let other = |packet: Packet| Packet {
        track: OTHER,
        ..packet
    };
    let burst = vec![other(packet(70)), other(keyframe(90)), other(packet(91))];
    assert_eq!(forward(&mut outbound, burst, now), [(2, false), (3, false)]);
    let late = vec![other(packet(89)), packet(14)];
    assert!(
        forward(&mut outbound, late, now).is_empty(),
        "older than the switch"
    );
}

#[test]
fn sound_switches_at_once_and_marks_it() {
    let (mut outbound, now) = outbound(&[Codec::Opus]);
    point(&mut outbound, "a0", TRACK, now);
    assert_eq!(
        forward(&mut outbound, vec![opus(5), opus(6)], now),
        [(0, true), (1, false)]
    );
    point(&mut outbound, "a0", OTHER, now);
    assert!(
        events(&mut outbound)
            .iter()
            .all(|event| *event != ask(OTHER, 0))
    );
    let other = Packet {
        track: OTHER,
        ..opus(900)
    };
    assert_eq!(forward(&mut outbound, vec![other], now), [(2, true)]);
}

#[test]
fn a_codec_that_the_listener_lacks_is_not_sent_but_told() {
    let (mut outbound, now) = outbound(&[Codec::Vp8]);
    point(&mut outbound, "v0", TRACK, now);
    events(&mut outbound);
    let av1 = |seq| Packet {
        codec: Codec::Av1,
        ..keyframe(seq)
    };
    assert!(forward(&mut outbound, vec![av1(1), av1(2)], now).is_empty());
    let mid = slot(Codec::Vp8).mid;
    assert_eq!(
        events(&mut outbound),
        [OutboundEvent::Unplayable { mid: mid.clone() }]
    );
    outbound.handle_timeout(now + 5000 * MS);
    assert!(
        events(&mut outbound).is_empty(),
        "no key frame is asked for in vain"
    );
    assert_eq!(
        forward(&mut outbound, vec![packet(3), keyframe(4)], now),
        [(0, false)]
    );
    assert!(events(&mut outbound).contains(&OutboundEvent::Playable { mid }));
}

#[test]
fn a_slot_that_learns_the_codec_says_that_it_can_play() {
    let (mut outbound, now) = outbound(&[Codec::Vp8]);
    point(&mut outbound, "v0", TRACK, now);
    let av1 = |seq| Packet {
        codec: Codec::Av1,
        ..keyframe(seq)
    };
    forward(&mut outbound, vec![av1(1)], now);
    events(&mut outbound);
    let mut learned = slot(Codec::Vp8);
    learned.codecs.extend(slot(Codec::Av1).codecs);
    outbound.set_slots(vec![learned]);
    assert_eq!(
        forward(&mut outbound, vec![av1(2), av1(3)], now),
        [(0, false), (1, false)]
    );
    let mid = slot(Codec::Vp8).mid;
    assert_eq!(events(&mut outbound), [OutboundEvent::Playable { mid }]);
}

#[test]
fn the_payload_type_is_the_listeners_own() {
    let (mut outbound, now) = outbound(&[Codec::Vp8]);
    let mut spec = slot(Codec::Vp8);
    let h264 = Codec::H264 {
        profile: 0x42,
        mode: 1,
    };
    let feedback = Feedback::default();
    spec.codecs.push(CodecSpec {
        codec: h264,
        pt: PayloadType(120),
        rtx: None,
        feedback,
    });
    outbound.set_slots(vec![spec]);
    point(&mut outbound, "v0", TRACK, now);
    let mut sent = Sent::default();
    let burst = vec![
        keyframe(1),
        Packet {
            codec: h264,
            ..keyframe(2)
        },
    ];
    outbound.forward(&burst.into(), now, &mut sent);
    let pts: Vec<_> = sent
        .0
        .iter()
        .map(|(.., bytes)| RtpView::parse(bytes).unwrap().pt)
        .collect();
    assert_eq!(pts, [PT, PayloadType(120)]);
}

#[test]
fn redundant_sound_is_unwrapped_for_who_knows_only_opus() {
    let (mut outbound, now) = outbound(&[Codec::Opus]);
    point(&mut outbound, "a0", TRACK, now);
    let payload = Bytes::from_static(&[0xef, 0, 0, 2, 0x6f, 8, 8, 1, 2, 3]);
    let red = Packet {
        codec: Codec::Red,
        payload,
        ..packet(1)
    };
    let mut sent = Sent::default();
    outbound.forward(&vec![red].into(), now, &mut sent);
    assert_eq!(RtpView::parse(&sent.0[0].2).unwrap().payload, [1, 2, 3]);
}

#[test]
fn padding_leaves_empty_so_that_no_number_is_missing() {
    let (mut outbound, now) = outbound(&[Codec::Vp8, Codec::Opus]);
    point(&mut outbound, "v0", TRACK, now);
    point(&mut outbound, "a0", OTHER, now);
    let padding = |packet: Packet| Packet {
        payload: Bytes::new(),
        ..packet
    };
    let burst = vec![keyframe(10), padding(packet(11)), packet(12)];
    let numbers = [(0, false), (1, false), (2, false)];
    assert_eq!(forward(&mut outbound, burst, now), numbers);
    let red = |seq| Packet {
        track: OTHER,
        codec: Codec::Red,
        payload: Bytes::from_static(&[0x6f, 1, 2, 3]),
        ..packet(seq)
    };
    let burst = vec![red(10), padding(red(11)), red(12)];
    let numbers = [(0, true), (1, false), (2, false)];
    assert_eq!(forward(&mut outbound, burst, now), numbers);
}

#[test]
fn a_slot_that_rested_goes_on_counting_where_it_stood() {
    let (mut outbound, now) = outbound(&[Codec::Vp8]);
    point(&mut outbound, "v0", TRACK, now);
    forward(&mut outbound, vec![keyframe(10), packet(11)], now);
    events(&mut outbound);
    outbound.set_slots(Vec::new());
    assert_eq!(events(&mut outbound), [watch(TRACK, &[])]);
    assert!(forward(&mut outbound, vec![keyframe(12)], now).is_empty());
    outbound.set_slots(vec![slot(Codec::Vp8)]);
    assert!(events(&mut outbound).is_empty(), "it shows nothing yet");
    point(&mut outbound, "v0", TRACK, now);
    assert_eq!(
        forward(&mut outbound, vec![keyframe(13)], now),
        [(2, false)]
    );
}

#[test]
fn rests_without_end_fill_no_table() {
    let (mut outbound, _) = outbound(&[]);
    for round in 0..1000 {
        let ssrc = Ssrc(round + 1);
        outbound.set_slots(vec![SlotSpec {
            ssrc,
            ..slot(Codec::Vp8)
        }]);
    }
    assert!(outbound.resting.len() <= MAX_LINES);
}

#[test]
fn a_source_that_begins_anew_waits_for_a_key_frame_and_stays_continuous() {
    let (mut outbound, now) = outbound(&[Codec::Vp8]);
    point(&mut outbound, "v0", TRACK, now);
    assert_eq!(
        forward(&mut outbound, vec![keyframe(10), packet(11)], now).len(),
        2
    );
    events(&mut outbound);
    let leap = crate::rtp::seq::RESTART_GAP + 50;
    assert!(forward(&mut outbound, vec![packet(leap)], now).is_empty());
    assert_eq!(events(&mut outbound), [ask(TRACK, 0)]);
    assert_eq!(
        forward(&mut outbound, vec![keyframe(leap + 1)], now),
        [(2, false)]
    );
}

#[test]
fn a_packet_that_comes_twice_leaves_once() {
    let (mut outbound, now) = outbound(&[Codec::Vp8]);
    point(&mut outbound, "v0", TRACK, now);
    let mut sent = Sent::default();
    let packets = vec![keyframe(10), packet(12), packet(12), packet(11)];
    outbound.forward(&packets.into(), now, &mut sent);
    let numbers = sent.0.iter().map(|(_, index, bytes)| {
        let ids = slot(Codec::Vp8).extensions;
        let view = RtpView::parse(bytes).unwrap();
        (*index, view.extensions.get(ids.transport_cc).unwrap()[1])
    });
    let numbers: Vec<_> = numbers.collect();
    assert_eq!(
        numbers,
        [(0, 0), (2, 1), (1, 2)],
        "none is missing to the path"
    );
}

#[test]
fn a_slot_that_is_negotiated_again_goes_on() {
    let (mut outbound, now) = outbound(&[Codec::Vp8]);
    point(&mut outbound, "v0", TRACK, now);
    forward(&mut outbound, vec![keyframe(10)], now);
    events(&mut outbound);
    outbound.set_slots(vec![slot(Codec::Opus), slot(Codec::Vp8)]);
    assert_eq!(forward(&mut outbound, vec![packet(11)], now), [(1, false)]);
    assert!(events(&mut outbound).is_empty());
    outbound.set_slots(vec![slot(Codec::Opus)]);
    assert_eq!(events(&mut outbound), [watch(TRACK, &[])]);
}

#[test]
fn what_waits_for_the_path_leaves_though_slots_are_negotiated_meanwhile() {
    let (mut outbound, now) = outbound(&[Codec::Vp8]);
    outbound.limit(Bitrate(400_000));
    point(&mut outbound, "v0", TRACK, now);
    let large = |seq| Packet {
        payload: Bytes::from(vec![0; 1_100]),
        ..packet(seq)
    };
    let frame = vec![keyframe(10), large(11), large(12), large(13), large(14)];
    assert_eq!(forward(&mut outbound, frame, now).len(), 5);
    point(&mut outbound, "v0", OTHER, now);
    let of_other = |packet| Packet {
        track: OTHER,
        ..packet
    };
    let first = forward(&mut outbound, vec![of_other(keyframe(50))], now);
    assert!(first.is_empty(), "the path is busy");
    // Another picture is shared, and its m-line comes before the others.
    outbound.set_slots(vec![slot(Codec::Opus), slot(Codec::Vp8)]);
    let mut sent = Sent::default();
    outbound.send_due(now + 100 * MS, &mut sent);
    assert_eq!(sent.0.len(), 1, "the key frame leaves");
    let next = forward(&mut outbound, vec![of_other(packet(51))], now + 100 * MS);
    assert_eq!(next, [(6, false)], "and what follows plays");
}

#[test]
fn transport_wide_numbers_count_over_all_slots() {
    let (mut outbound, now) = outbound(&[Codec::Vp8, Codec::Opus]);
    point(&mut outbound, "v0", TRACK, now);
    point(&mut outbound, "a0", OTHER, now);
    let mut sent = Sent::default();
    outbound.forward(&vec![keyframe(10)].into(), now, &mut sent);
    outbound.forward(
        &vec![Packet {
            track: OTHER,
            ..opus(1)
        }]
        .into(),
        now,
        &mut sent,
    );
    let id = slot(Codec::Vp8).extensions.transport_cc;
    for (number, (.., bytes)) in (0u8..).zip(&sent.0) {
        let view = RtpView::parse(bytes).unwrap();
        assert_eq!(view.extensions.get(id), Some(&[0, number][..]));
    }
}
