use super::*;
use crate::rtcp::{self, ReceptionBlock};
use crate::rtp::seq::low16;
use crate::seam::Unsealable;
use crate::testing::RTX;
use crate::twcc::TransportFeedback;

const VIDEO: Ssrc = Ssrc(0x2_0000);

/// A slot that plays, with packets 10 to 19 sent as 0 to 9.
fn playing() -> (Outbound, Instant) {
    let (mut outbound, now) = outbound(&[Codec::Vp8]);
    point(&mut outbound, "v0", TRACK, now);
    let burst = std::iter::once(keyframe(10)).chain((11..20).map(packet));
    forward(&mut outbound, burst.collect(), now);
    events(&mut outbound);
    (outbound, now)
}

fn nack(outbound: &mut Outbound, lost: &[u16], now: Instant) -> Vec<(Ssrc, u64, Vec<u8>)> {
    let mut sent = Sent::default();
    let nack = Rtcp::Nack {
        media: VIDEO,
        lost: lost.to_vec(),
    };
    outbound.handle_rtcp(&[nack], now, &mut sent);
    sent.0
}

#[test]
fn before_any_report_packets_are_kept_as_the_handshake_lets_expect() {
    for (longest, kept) in [(5 * MS, 0), (300 * MS, 1)] {
        let (mut outbound, now) = playing();
        outbound.set_longest_rtt(longest);
        nack(&mut outbound, &[], now + 700 * MS);
        let again = nack(&mut outbound, &[3], now + 701 * MS);
        assert_eq!(again.len(), kept, "{longest:?}");
    }
}

#[test]
fn what_was_lost_is_sent_again_by_rtx_with_the_same_payload() {
    let (mut outbound, now) = playing();
    let again = nack(&mut outbound, &[3, 7, 99], now);
    assert_eq!(again.len(), 2);
    for (at, (ssrc, index, bytes)) in (0u64..).zip(&again) {
        let view = RtpView::parse(bytes).unwrap();
        let original = [3u64, 7][usize::try_from(at).unwrap()];
        assert_eq!((view.pt, *ssrc, *index), (RTX, Ssrc(0x3_0000), at));
        assert_eq!(view.payload[..2], low16(original).to_be_bytes());
        assert_eq!(view.payload[2..], (original + 10).to_be_bytes());
    }
    assert_eq!(outbound.stats().slots[0].resent, 2);
}

#[test]
fn one_packet_is_sent_again_once_per_round_trip() {
    let (mut outbound, now) = playing();
    assert_eq!(nack(&mut outbound, &[3], now).len(), 1);
    assert_eq!(nack(&mut outbound, &[3, 3, 3], now + 49 * MS).len(), 0);
    assert_eq!(nack(&mut outbound, &[3, 3, 3], now + 50 * MS).len(), 1);
}

/// Has no room for anything, as a socket that is full.
struct Full;

impl RtpSink for Full {
    fn rtp(&mut self, _: Ssrc, _: u64, _: impl FnOnce(&mut Vec<u8>)) -> Result<(), Unsealable> {
        Ok(())
    }
}

#[test]
fn what_found_no_room_is_lost_on_its_way_and_sent_again() {
    let (mut outbound, now) = outbound(&[Codec::Vp8]);
    point(&mut outbound, "v0", TRACK, now);
    let packets: Vec<Packet> = std::iter::once(keyframe(10))
        .chain((11..50).map(packet))
        .collect();
    outbound.forward(&packets.into(), now, &mut Full);
    told(&mut outbound, &[false; 40], now + 50 * MS);
    assert!(outbound.stats().loss > 0.0, "the path is told of it");
    assert_eq!(nack(&mut outbound, &[0, 1], now + 60 * MS).len(), 2);
}

/// Transport-wide feedback on the packets from number 0.
fn told(outbound: &mut Outbound, came: &[bool], now: Instant) {
    let feedback = TransportFeedback {
        base: 0,
        reference: 1,
        deltas: came.iter().map(|came| came.then_some(1)).collect(),
    };
    outbound.handle_rtcp(&[Rtcp::Transport(feedback)], now, &mut Sent::default());
}

#[test]
fn what_came_in_is_not_sent_again_unless_something_did_not() {
    for lost in [None, Some(7)] {
        let (mut outbound, now) = playing();
        forward(&mut outbound, vec![packet(20)], now + 33 * MS);
        let came: Vec<bool> = (0..11).map(|number| Some(number) != lost).collect();
        told(&mut outbound, &came, now + 60 * MS);
        let again = nack(&mut outbound, &[3, 7], now + 61 * MS);
        assert_eq!(again.len(), lost.map_or(0, |_| 2), "{lost:?}");
    }
}

#[test]
fn a_slot_without_transport_wide_numbers_keeps_what_it_sent_for_its_time() {
    let (mut outbound, now) = outbound(&[Codec::Vp8, Codec::Opus]);
    let mut picture = slot(Codec::Vp8);
    picture.extensions.transport_cc = None;
    outbound.set_slots(vec![picture, slot(Codec::Opus)]);
    point(&mut outbound, "v0", TRACK, now);
    point(&mut outbound, "a0", OTHER, now);
    forward(&mut outbound, vec![keyframe(10)], now);
    let sound = Packet {
        track: OTHER,
        ..opus(1)
    };
    forward(&mut outbound, vec![sound], now + 20 * MS);
    told(&mut outbound, &[true], now + 60 * MS);
    assert_eq!(nack(&mut outbound, &[0], now + 61 * MS).len(), 1);
}

#[test]
fn a_slot_that_is_negotiated_anew_keeps_what_it_sent_unless_feedback_begins_with_it() {
    for (before, after, kept) in [
        (false, false, 1),
        (false, true, 0),
        (true, true, 1),
        (true, false, 1),
    ] {
        let (mut outbound, now) = outbound(&[]);
        let numbered = |numbered: bool| {
            let mut slot = slot(Codec::Vp8);
            slot.extensions.transport_cc = numbered.then_some(2);
            vec![slot]
        };
        outbound.set_slots(numbered(before));
        point(&mut outbound, "v0", TRACK, now);
        forward(&mut outbound, vec![keyframe(10)], now);
        outbound.set_slots(numbered(after));
        let again = nack(&mut outbound, &[0], now + MS);
        assert_eq!(again.len(), kept, "{before}, then {after}");
    }
}

#[test]
fn what_is_sent_by_an_older_clock_counts_as_sent_after_what_left_before() {
    let (mut outbound, now) = outbound(&[]);
    let second = SlotSpec {
        mid: crate::seam::Mid("v1".into()),
        ssrc: Ssrc(9),
        rtx_ssrc: Some(Ssrc(10)),
        ..slot(Codec::Vp8)
    };
    outbound.set_slots(vec![slot(Codec::Vp8), second]);
    point(&mut outbound, "v0", TRACK, now);
    point(&mut outbound, "v1", OTHER, now);
    let mut sent = Sent::default();
    outbound.forward(&vec![keyframe(10)].into(), now + 30 * MS, &mut sent);
    let other = Packet {
        track: OTHER,
        ..keyframe(10)
    };
    outbound.forward(&vec![other].into(), now + 10 * MS, &mut sent);
    let times = sent.0.iter().map(|(_, _, bytes)| {
        let time = RtpView::parse(bytes).unwrap().extensions.get(Some(3));
        time.unwrap().to_vec()
    });
    let times: Vec<_> = times.collect();
    assert_eq!(times[0], times[1], "the network's queue is read from these");
    told(&mut outbound, &[true], now + 60 * MS);
    let nack = Rtcp::Nack {
        media: Ssrc(9),
        lost: vec![9],
    };
    let mut sent = Sent::default();
    outbound.handle_rtcp(&[nack], now + 61 * MS, &mut sent);
    assert_eq!(sent.0.len(), 1, "it was not told of");
}

#[test]
fn without_rtx_nothing_is_sealed_twice() {
    let (mut outbound, now) = outbound(&[Codec::Vp8]);
    outbound.set_slots(vec![SlotSpec {
        rtx_ssrc: None,
        ..slot(Codec::Vp8)
    }]);
    point(&mut outbound, "v0", TRACK, now);
    forward(&mut outbound, vec![keyframe(10)], now);
    assert!(nack(&mut outbound, &[0], now).is_empty());
}

#[test]
fn a_packet_that_came_late_can_be_asked_for_in_its_place() {
    let (mut outbound, now) = playing();
    forward(&mut outbound, vec![packet(22)], now);
    assert!(nack(&mut outbound, &[11], now).is_empty(), "not here yet");
    assert_eq!(forward(&mut outbound, vec![packet(21)], now), [(11, false)]);
    assert_eq!(nack(&mut outbound, &[11], now).len(), 1);
}

#[test]
fn a_decoder_that_needs_a_key_frame_asks_the_layer_that_plays() {
    let (mut outbound, now) = playing();
    let request = [Rtcp::KeyframeRequest { media: VIDEO }];
    outbound.handle_rtcp(&request, now, &mut Sent::default());
    outbound.handle_rtcp(&request, now + MS, &mut Sent::default());
    assert_eq!(events(&mut outbound), [ask(TRACK, 0)]);
    assert_eq!(outbound.stats().slots[0].keyframe_requests, 2);
}

#[test]
fn the_round_trip_is_measured_by_reports() {
    let (mut outbound, now) = playing();
    let at = now + 100 * MS;
    let report = reports(&mut outbound, at)[0];
    let block = ReceptionBlock {
        ssrc: VIDEO,
        fraction_lost: 64,
        total_lost: 0,
        highest: 9,
        jitter: 900,
        last_sender_report: middle(report.0),
        delay: 0x8000, // half a second
    };
    outbound.handle_rtcp(
        &[Rtcp::Reception(block)],
        at + 580 * MS,
        &mut Sent::default(),
    );
    let rtt = outbound.rtt().unwrap();
    assert!(rtt.abs_diff(80 * MS) < MS, "{rtt:?}");
    let stats = outbound.stats();
    assert!((stats.slots[0].loss - 0.25).abs() < 1e-6);
    assert_eq!(stats.slots[0].jitter, 10 * MS);
}

/// NTP and RTP timestamps of the sender reports that are due.
fn reports(outbound: &mut Outbound, now: Instant) -> Vec<(u64, u32)> {
    let bytes = std::iter::from_fn(|| outbound.poll_rtcp(now));
    let read = bytes.flat_map(|bytes| {
        assert!(
            bytes.windows(5).any(|text| text == b"calls"),
            "signed by its cname"
        );
        rtcp::parse(&bytes)
    });
    let reports = read.filter_map(|report| match report {
        Rtcp::SenderReport { ntp, rtp, .. } => Some((ntp, rtp)),
        _ => None,
    });
    reports.collect()
}

#[test]
fn sender_reports_go_out_each_second_while_something_plays() {
    let (mut outbound, start) = playing();
    let (mut now, mut sent) = (start, 0);
    for seq in 20..520 {
        now += 10 * MS;
        forward(
            &mut outbound,
            vec![Packet {
                arrival: now,
                ..packet(seq)
            }],
            now,
        );
        sent += reports(&mut outbound, now).len();
    }
    assert_eq!(sent, 5);
    assert_eq!(reports(&mut outbound, now + 2000 * MS).len(), 1);
    assert_eq!(outbound.poll_timeout(), None, "then nothing more");
}

#[test]
fn sender_reports_stay_true_over_a_switch() {
    let (mut outbound, start) = outbound(&[Codec::Vp8]);
    point(&mut outbound, "v0", TRACK, start);
    // Two publishers with clocks of their own: the first took this picture 30 ms before it came, the second 90 ms.
    let tell = |outbound: &mut Outbound, track, rtp, ntp_s: u64, at| {
        outbound.clock(SourceClock {
            track,
            layer: Layer(0),
            ntp: ntp_s << 32,
            rtp,
            arrival: at,
        });
    };
    tell(&mut outbound, TRACK, 1_000, 500, start);
    let first = Packet {
        timestamp: 1_000,
        arrival: start + 30 * MS,
        ..keyframe(1)
    };
    forward(&mut outbound, vec![first], start + 30 * MS);
    let at = start + 200 * MS;
    let (ntp, rtp) = reports(&mut outbound, at)[0];
    assert_eq!(ntp, outbound.gate.wall.ntp(at));
    assert!(rtp.abs_diff(1_000 + 200 * 90) <= 1, "{rtp}");

    let switch = start + 1000 * MS;
    point(&mut outbound, "v0", OTHER, switch);
    tell(&mut outbound, OTHER, 7_000_000, 90_000, switch);
    let came = switch + 90 * MS;
    let next = Packet {
        track: OTHER,
        timestamp: 7_000_000,
        arrival: came,
        ..keyframe(1)
    };
    let mut sent = Sent::default();
    outbound.forward(&vec![next].into(), came, &mut sent);
    let written = RtpView::parse(&sent.0[0].2).unwrap().timestamp;
    let at = came + 100 * MS;
    let (_, rtp) = reports(&mut outbound, at)[0];
    // The report says: what is written in that packet was taken when the switch happened.
    assert!(rtp.abs_diff(written + 190 * 90) <= 1, "{rtp} {written}");
}

#[test]
fn a_clock_that_contradicts_arrivals_is_not_believed() {
    let (mut outbound, now) = playing();
    let nonsense = SourceClock {
        track: TRACK,
        layer: Layer(0),
        ntp: 1,
        rtp: 1 << 31,
        arrival: now,
    };
    outbound.clock(nonsense);
    let (_, rtp) = reports(&mut outbound, now + 100 * MS)[0];
    assert!(rtp.abs_diff(3_000 + 9_000) < 90_000, "{rtp}");
}

#[test]
fn reports_of_many_slots_are_split_into_datagrams() {
    let (mut outbound, now) = outbound(&[]);
    let slots = (0..50u32).map(|at| SlotSpec {
        mid: crate::seam::Mid(format!("v{at}").into()),
        ssrc: Ssrc(100 + at),
        ..slot(Codec::Vp8)
    });
    outbound.set_slots(slots.collect());
    for at in 0..50 {
        point(&mut outbound, &format!("v{at}"), TRACK, now);
    }
    forward(&mut outbound, vec![keyframe(1)], now);
    let datagrams: Vec<_> = std::iter::from_fn(|| outbound.poll_rtcp(now + 100 * MS)).collect();
    assert!(datagrams.iter().all(|bytes| bytes.len() <= 1100));
    let told: usize = datagrams.iter().map(|bytes| rtcp::parse(bytes).len()).sum();
    assert_eq!(told, 50);
}
