mod sources;

use std::time::{Duration, Instant};

use bytes::Bytes;
use calls_model::Source;
use calls_model::signal::PublishedMid;
use proptest::prelude::*;

use super::*;
use crate::rtcp;
use crate::rtp::write::{Elements, Header};
use crate::sdp::{Negotiation, Offer};
use crate::seam::{Codec, Feedback, Kind, Mid, PayloadType, PeerId, Rid};
use crate::testing::{COMPOUNDS, LIMITS};

const MS: Duration = Duration::from_millis(1);
const VP8: PayloadType = PayloadType(96);
const RTX: PayloadType = PayloadType(97);
const OPUS: PayloadType = PayloadType(111);
const MID: u8 = 1;
const RID: u8 = 2;
const REPAIRED: u8 = 3;
const LEVEL: u8 = 4;
const TCC: u8 = 5;
const INTER: &[u8] = &[0x10, 0x01, 0, 0];
const KEY: &[u8] = &[
    0x10, 0x50, 0x42, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01,
];

fn id(index: u32) -> TrackId {
    TrackId {
        peer: PeerId(1),
        index,
    }
}

fn extensions() -> ExtensionIds {
    ExtensionIds {
        mid: Some(MID),
        rid: Some(RID),
        repaired_rid: Some(REPAIRED),
        audio_level: Some(LEVEL),
        transport_cc: Some(TCC),
        ..ExtensionIds::default()
    }
}

fn camera(rids: &[&str]) -> TrackSpec {
    let feedback = Feedback {
        nack: true,
        pli: true,
        fir: false,
    };
    TrackSpec {
        id: id(0),
        mid: Mid("v".into()),
        source: Source::Camera,
        kind: Kind::Video,
        codecs: vec![CodecSpec {
            codec: Codec::Vp8,
            pt: VP8,
            rtx: Some(RTX),
            feedback,
        }],
        rids: rids.iter().map(|&rid| Rid(rid.into())).collect(),
        ssrcs: Vec::new(),
        extensions: extensions(),
    }
}

fn microphone() -> TrackSpec {
    let feedback = Feedback::default();
    TrackSpec {
        id: id(1),
        mid: Mid("a".into()),
        source: Source::Microphone,
        kind: Kind::Audio,
        codecs: vec![CodecSpec {
            codec: Codec::Opus,
            pt: OPUS,
            rtx: None,
            feedback,
        }],
        rids: Vec::new(),
        ssrcs: vec![(Ssrc(11), None)],
        extensions: extensions(),
    }
}

fn inbound(tracks: Vec<TrackSpec>) -> (Inbound, Instant) {
    let now = Instant::now();
    let mut inbound = Inbound::new(Ssrc(1), "calls", now);
    inbound.set_tracks(tracks);
    (inbound, now)
}

fn packet(
    pt: PayloadType,
    ssrc: u32,
    sequence: u16,
    payload: &[u8],
    elements: impl FnOnce(&mut Elements<'_>),
) -> Bytes {
    let header = Header {
        pt,
        marker: false,
        sequence,
        timestamp: 3000,
        ssrc: Ssrc(ssrc),
    };
    let mut out = Vec::new();
    header.write(&mut out, 1, elements);
    out.extend_from_slice(payload);
    out.into()
}

fn named(mid: &'static str, id: u8, rid: &'static str) -> impl FnOnce(&mut Elements<'_>) {
    move |elements| {
        elements.put(Some(MID), mid.as_bytes());
        elements.put(Some(id), rid.as_bytes());
    }
}

fn layers(inbound: &mut Inbound) -> Vec<(u8, Bytes)> {
    let mut all = Vec::new();
    while let Some(burst) = inbound.poll_burst() {
        assert!(
            burst.iter().all(|packet| packet.track == burst[0].track),
            "one track each"
        );
        all.extend(
            burst
                .iter()
                .map(|packet| (packet.layer.0, packet.payload.clone())),
        );
    }
    all
}

fn feedback(inbound: &mut Inbound, now: Instant) -> Vec<Rtcp> {
    std::iter::from_fn(|| inbound.poll_rtcp(now))
        .flat_map(|bytes| rtcp::parse(&bytes))
        .collect()
}

/// First number and count of packets of the transport-wide feedback in a compound.
fn transport_feedback(bytes: &[u8]) -> Option<[u8; 4]> {
    let is_feedback = |head: &[u8]| head[0] & 0xdf == 0x8f && head[1] == 205;
    let report = bytes.windows(2).position(is_feedback)?;
    bytes[report + 12..].first_chunk().copied()
}

#[test]
fn layers_are_numbered_by_the_order_of_their_rids() {
    let (mut inbound, now) = inbound(vec![camera(&["q", "h", "f"])]);
    inbound.handle_rtp(packet(VP8, 30, 1, b"full", named("v", RID, "f")), now);
    inbound.handle_rtp(packet(VP8, 10, 1, b"quarter", named("v", RID, "q")), now);
    inbound.handle_rtp(packet(VP8, 30, 2, b"more", |_| {}), now);
    let layers = layers(&mut inbound);
    assert_eq!(
        layers,
        [
            (2, "full".into()),
            (0, "quarter".into()),
            (2, "more".into())
        ]
    );
}

#[test]
fn a_retransmission_is_unwrapped_into_its_layer_by_repaired_rid() {
    let (mut inbound, now) = inbound(vec![camera(&["q", "h"])]);
    for sequence in [1, 3] {
        inbound.handle_rtp(packet(VP8, 20, sequence, INTER, named("v", RID, "h")), now);
    }
    layers(&mut inbound);
    let repair = [&[0, 2][..], b"repaired"].concat();
    inbound.handle_rtp(
        packet(RTX, 21, 900, &repair, named("v", REPAIRED, "h")),
        now,
    );
    let burst = inbound.poll_burst().unwrap();
    assert_eq!(
        (burst[0].layer, &burst[0].payload[..]),
        (Layer(1), &b"repaired"[..])
    );
    assert_eq!(low16(burst[0].seq), 2);
    inbound.handle_rtp(packet(RTX, 21, 901, &repair, |_| {}), now);
    assert!(inbound.poll_burst().is_none(), "the same again");
    inbound.handle_rtp(packet(RTX, 21, 902, &[], |_| {}), now);
    assert!(inbound.poll_burst().is_none(), "an empty probe");
    assert_eq!(inbound.stats(now).ignored, 0);
}

#[test]
fn declared_ssrcs_and_single_payload_types_need_no_mid() {
    let (mut inbound, now) = inbound(vec![camera(&[]), microphone()]);
    inbound.handle_rtp(packet(OPUS, 11, 1, b"a", |_| {}), now);
    inbound.handle_rtp(packet(VP8, 77, 1, INTER, |_| {}), now);
    let sources: Vec<_> = std::iter::from_fn(|| inbound.poll_burst())
        .map(|b| b[0].track)
        .collect();
    assert_eq!(sources, [id(0), id(1)]);
}

#[test]
fn what_belongs_to_nobody_is_ignored_and_counted() {
    let (mut inbound, now) = inbound(vec![camera(&["q"]), microphone()]);
    inbound.handle_rtp(packet(VP8, 5, 1, INTER, |_| {}), now); // simulcast, but no rid
    inbound.handle_rtp(packet(VP8, 5, 1, INTER, named("v", RID, "x")), now);
    inbound.handle_rtp(packet(VP8, 5, 1, INTER, named("other", RID, "q")), now);
    inbound.handle_rtp(packet(PayloadType(99), 11, 1, b"?", |_| {}), now);
    inbound.handle_rtp(Bytes::from_static(b"garbage"), now);
    assert!(inbound.poll_burst().is_none());
    assert_eq!(inbound.stats(now).ignored, 5);
}

#[test]
fn a_peer_that_makes_up_ssrcs_fills_no_table() {
    let (mut inbound, now) = inbound(vec![camera(&["q", "h"]), microphone()]);
    for ssrc in 0..10_000 {
        inbound.handle_rtp(
            packet(VP8, 1000 + ssrc, 1, INTER, named("v", RID, "q")),
            now,
        );
        inbound.handle_rtp(
            packet(RTX, 100_000 + ssrc, 1, INTER, named("v", REPAIRED, "q")),
            now,
        );
    }
    assert!(inbound.demux.find(Ssrc(1000)).is_none());
    let known = (0..200_000)
        .filter(|&ssrc| inbound.demux.find(Ssrc(ssrc)).is_some())
        .count();
    assert!(known <= 5, "{known}");
}

#[test]
fn a_lost_packet_is_asked_for_under_its_layers_ssrc() {
    let (mut inbound, now) = inbound(vec![camera(&["q", "h"])]);
    for sequence in [65_535, 2] {
        inbound.handle_rtp(packet(VP8, 20, sequence, INTER, named("v", RID, "h")), now);
    }
    assert_eq!(inbound.poll_timeout(), Some(now + 5 * MS));
    let nack = Rtcp::Nack {
        media: Ssrc(20),
        lost: vec![0, 1],
    };
    assert_eq!(feedback(&mut inbound, now + 5 * MS), [nack]);
}

#[test]
fn key_frame_requests_are_throttled_per_source() {
    let (mut inbound, now) = inbound(vec![camera(&["q", "h"])]);
    inbound.request_keyframe(id(0), Layer(0), now);
    assert!(
        feedback(&mut inbound, now).is_empty(),
        "its ssrc is not known yet"
    );
    inbound.handle_rtp(packet(VP8, 10, 1, INTER, named("v", RID, "q")), now);
    inbound.handle_rtp(packet(VP8, 20, 1, INTER, named("v", RID, "h")), now);
    let request = |media| Rtcp::KeyframeRequest { media: Ssrc(media) };
    assert_eq!(feedback(&mut inbound, now), [request(10)]);
    for ms in 1..=499 {
        inbound.request_keyframe(id(0), Layer(0), now + ms * MS);
        let sent = feedback(&mut inbound, now + ms * MS);
        assert!(!sent.contains(&request(10)));
    }
    inbound.request_keyframe(id(0), Layer(1), now + 499 * MS);
    assert_eq!(feedback(&mut inbound, now + 499 * MS), [request(20)]);
    assert_eq!(feedback(&mut inbound, now + 500 * MS), [request(10)]);
    inbound.request_keyframe(id(0), Layer(0), now + 600 * MS);
    inbound.handle_rtp(packet(VP8, 10, 2, KEY, |_| {}), now + 700 * MS);
    let later = feedback(&mut inbound, now + 1100 * MS);
    assert!(
        !later.contains(&request(10)),
        "the key frame came meanwhile"
    );
}

#[test]
fn a_publisher_that_knows_only_fir_is_asked_by_fir() {
    let mut spec = camera(&[]);
    spec.codecs[0].feedback = Feedback {
        nack: false,
        pli: false,
        fir: true,
    };
    let (mut inbound, now) = inbound(vec![spec]);
    inbound.handle_rtp(packet(VP8, 10, 1, INTER, |_| {}), now);
    inbound.request_keyframe(id(0), Layer(0), now);
    let bytes = inbound.poll_rtcp(now).unwrap();
    assert_eq!(
        rtcp::parse(&bytes),
        [Rtcp::KeyframeRequest { media: Ssrc(10) }]
    );
    let fir = bytes
        .windows(2)
        .position(|head| head == [0x84, 206])
        .unwrap();
    assert_eq!(bytes[fir + 12..], [0, 0, 0, 10, 1, 0, 0, 0]);
}

#[test]
fn reception_is_reported_each_second_while_something_comes() {
    let (mut inbound, now) = inbound(vec![microphone()]);
    for sequence in [1, 2, 4] {
        inbound.handle_rtp(packet(OPUS, 11, sequence, b"a", |_| {}), now);
    }
    let reports = feedback(&mut inbound, now + FIRST_REPORT);
    let [Rtcp::Reception(block)] = reports[..] else {
        panic!("{reports:?}")
    };
    assert_eq!(
        (block.ssrc, block.total_lost, block.fraction_lost),
        (Ssrc(11), 1, 64)
    );
    assert_eq!(
        inbound.poll_timeout(),
        Some(now + FIRST_REPORT + REPORT_PAUSE)
    );
    let mut reports = 0;
    while let Some(at) = inbound.poll_timeout() {
        reports += feedback(&mut inbound, at).len();
    }
    assert_eq!(reports, 4, "then the stream counts as silent");
}

#[test]
fn a_sender_report_becomes_the_clock_of_its_layer() {
    let (mut inbound, now) = inbound(vec![camera(&["q", "h"])]);
    inbound.handle_rtp(packet(VP8, 20, 1, INTER, named("v", RID, "h")), now);
    let report = |ssrc| Rtcp::SenderReport {
        ssrc: Ssrc(ssrc),
        ntp: 7,
        rtp: 8,
    };
    inbound.handle_rtcp(&[report(20), report(404)], now);
    let clock = SourceClock {
        track: id(0),
        layer: Layer(1),
        ntp: 7,
        rtp: 8,
        arrival: now,
    };
    assert_eq!(inbound.poll_clock(), Some(clock));
    assert_eq!(inbound.poll_clock(), None);
}

#[test]
fn loudness_and_picture_size_are_read() {
    let (mut inbound, now) = inbound(vec![camera(&[]), microphone()]);
    let level = packet(OPUS, 11, 1, b"a", |elements| {
        elements.put(Some(LEVEL), &[0x9e]);
    });
    inbound.handle_rtp(level, now);
    inbound.handle_rtp(packet(VP8, 10, 1, KEY, |_| {}), now);
    let video = inbound.poll_burst().unwrap();
    assert!(video[0].info.starts_keyframe);
    assert_eq!(inbound.poll_burst().unwrap()[0].audio_level, Some(30));
    let stats = inbound.stats(now);
    assert_eq!(
        (stats.layers[0].size, stats.layers[0].keyframes),
        (Some((640, 360)), 1)
    );
}

#[test]
fn a_renegotiation_does_not_disturb_what_flows() {
    let (mut inbound, now) = inbound(vec![camera(&["q", "h"])]);
    inbound.handle_rtp(packet(VP8, 20, 7, INTER, named("v", RID, "h")), now);
    let before = inbound.poll_burst().unwrap()[0].seq;
    inbound.set_tracks(vec![microphone(), camera(&["q", "h"])]);
    inbound.handle_rtp(packet(VP8, 20, 8, INTER, |_| {}), now);
    let burst = inbound.poll_burst().unwrap();
    assert_eq!((burst[0].seq, burst[0].layer), (before + 1, Layer(1)));
    inbound.set_tracks(vec![microphone()]);
    inbound.handle_rtp(packet(VP8, 20, 9, INTER, |_| {}), now);
    assert!(inbound.poll_burst().is_none());
}

#[test]
fn every_packet_is_told_to_the_senders_congestion_control() {
    let (mut inbound, now) = inbound(vec![camera(&[]), microphone()]);
    let number = |n: u8| move |elements: &mut Elements<'_>| elements.put(Some(TCC), &[0, n]);
    inbound.handle_rtp(packet(VP8, 10, 1, INTER, number(1)), now);
    inbound.handle_rtp(packet(OPUS, 11, 1, b"a", number(2)), now);
    inbound.handle_rtp(packet(PayloadType(99), 404, 1, b"a", number(3)), now);
    let bytes = inbound.poll_rtcp(now + 100 * MS).unwrap();
    assert_eq!(
        transport_feedback(&bytes),
        Some([0, 1, 0, 3]),
        "three packets, from number 1"
    );
}

#[test]
fn a_bundle_whose_sound_has_no_transport_wide_numbers_is_told_of_its_pictures() {
    let offer = Offer::parse(include_str!("../../tests/offers/firefox.sdp")).unwrap();
    let publish = [("0", Source::Microphone), ("1", Source::Camera)].map(|(mid, source)| {
        let mid = mid.to_owned();
        PublishedMid { mid, source }
    });
    let mut negotiation = Negotiation::new(PeerId(1), LIMITS);
    let agreement = negotiation.agree(&offer, &publish).unwrap();
    assert_eq!(agreement.tracks[0].extensions.transport_cc, None);
    let (mut inbound, now) = inbound(agreement.tracks);
    for number in 1..4 {
        let numbered = |elements: &mut Elements<'_>| elements.put(Some(7), &[0, number]);
        let sequence = u16::from(number);
        let picture = packet(PayloadType(120), 3_120_043_212, sequence, INTER, numbered);
        inbound.handle_rtp(picture, now);
    }
    let bytes = inbound.poll_rtcp(now + 100 * MS).unwrap();
    assert_eq!(transport_feedback(&bytes), Some([0, 1, 0, 3]));
}

#[test]
fn reports_go_a_little_earlier_with_what_wakes_us() {
    let (mut inbound, now) = inbound(vec![camera(&[]), microphone()]);
    let numbered = |elements: &mut Elements<'_>| elements.put(Some(TCC), &[0, 1]);
    inbound.handle_rtp(packet(VP8, 10, 1, INTER, numbered), now);
    let due = inbound.poll_timeout().unwrap();
    let soon = now + (due - now).saturating_sub(AHEAD);
    assert_eq!(inbound.poll_rtcp_ahead(soon.checked_sub(MS).unwrap()), None);
    assert_eq!(inbound.poll_rtcp(soon), None, "it wakes nobody earlier");
    let bytes = inbound.poll_rtcp_ahead(soon).unwrap();
    assert_eq!(transport_feedback(&bytes), Some([0, 1, 0, 1]));
    assert!(
        inbound.poll_timeout().unwrap() > due,
        "it is not told twice"
    );
}

#[test]
fn a_wake_up_with_nothing_due_begins_no_report() {
    let (mut inbound, now) = inbound(vec![camera(&[]), microphone()]);
    inbound.handle_rtp(packet(OPUS, 11, 1, b"a", |_| {}), now);
    let before = COMPOUNDS.get();
    for wake_up in 0..100 {
        assert_eq!(inbound.poll_rtcp(now + wake_up * MS), None);
    }
    assert_eq!(COMPOUNDS.get(), before);
    assert!(inbound.poll_rtcp(now + FIRST_REPORT).is_some());
}

proptest! {
    #[test]
    fn feedback_comes_when_it_is_announced_and_only_then(
        steps in proptest::collection::vec((0u32..80, 0u16..9, any::<bool>(), any::<bool>()), 1..200),
    ) {
        let (mut inbound, mut now) = inbound(vec![camera(&["q", "h"]), microphone()]);
        let mut sequence = 0u16;
        for (pause, lost, sound, keyframe) in steps {
            now += pause * MS;
            sequence = sequence.wrapping_add(lost);
            let number = sequence.to_be_bytes();
            let numbered = |elements: &mut Elements<'_>| elements.put(Some(TCC), &number);
            inbound.handle_rtp(
                if sound {
                    packet(OPUS, 11, sequence, b"a", numbered)
                } else {
                    packet(VP8, 20, sequence, INTER, named("v", RID, "h"))
                },
                now,
            );
            if keyframe {
                inbound.request_keyframe(id(0), Layer(1), now);
            }
            let announced = inbound.poll_timeout().is_some_and(|due| due <= now);
            let told = std::iter::from_fn(|| inbound.poll_rtcp(now)).count();
            prop_assert!(announced || told == 0);
            prop_assert!(inbound.poll_timeout().is_none_or(|due| due > now), "nothing is left over");
        }
    }

    #[test]
    fn any_bytes_are_survived(packets in proptest::collection::vec(
        (any::<bool>(), proptest::collection::vec(any::<u8>(), 0..80)), 0..30,
    )) {
        let (mut inbound, now) = inbound(vec![camera(&["q", "h"]), microphone()]);
        for (framed, mut bytes) in packets {
            if framed && bytes.len() > 12 {
                bytes[0] = 0x90;
                bytes[1] = 96 + bytes[1] % 2;
                bytes[8..12].copy_from_slice(&[0, 0, 0, 11]);
            }
            inbound.handle_rtcp(&rtcp::parse(&bytes), now);
            inbound.handle_rtp(bytes.into(), now);
        }
        layers(&mut inbound);
        feedback(&mut inbound, now + 500 * MS);
    }

    #[test]
    fn each_packet_comes_out_once_whatever_order_it_came_in(
        start in any::<u16>(),
        order in proptest::collection::vec(0u16..300, 1..400),
    ) {
        let (mut inbound, now) = inbound(vec![microphone()]);
        inbound.handle_rtp(packet(OPUS, 11, start, b"a", |_| {}), now);
        let mut expected = std::collections::BTreeSet::from([0]);
        for step in order {
            inbound.handle_rtp(packet(OPUS, 11, start.wrapping_add(step), b"a", |_| {}), now);
            expected.insert(u64::from(step));
        }
        let burst = inbound.poll_burst().unwrap();
        let mut numbers: Vec<u64> = burst.iter().map(|packet| packet.seq - burst[0].seq).collect();
        numbers.sort_unstable();
        prop_assert_eq!(numbers, expected.into_iter().collect::<Vec<_>>());
    }
}
