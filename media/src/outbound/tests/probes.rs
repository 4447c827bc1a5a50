use std::num::NonZeroU16;

use super::*;
use crate::congestion::Probe;
use crate::seam::Unsealable;
use crate::testing::RTX;

/// What SRTP adds to each packet.
const SEAL: usize = 16;

fn probe(bytes: u64) -> Probe {
    Probe {
        id: NonZeroU16::MIN,
        bytes,
        in_small_packets: false,
    }
}

/// A slot that has sent so many packets of this size, and when.
fn after(packets: u64, payload: usize) -> (Outbound, Instant) {
    let (mut outbound, now) = outbound(&[Codec::Vp8]);
    point(&mut outbound, "v0", TRACK, now);
    let packets = std::iter::once(keyframe(10)).chain((11..10 + packets).map(packet));
    let packets = packets.map(|packet| Packet {
        payload: vec![9; payload].into(),
        ..packet
    });
    let sent = forward(&mut outbound, packets.collect(), now);
    assert!(!sent.is_empty());
    (outbound, now)
}

/// How large the packets are on the wire that such a probe is made of.
fn sizes(outbound: &mut Outbound, bytes: u64, now: Instant) -> Vec<usize> {
    let mut sent = Sent::default();
    outbound.slots[0].probe(probe(bytes), &mut outbound.gate, now, &mut sent);
    let size = |(_, _, bytes): &(Ssrc, u64, Vec<u8>)| {
        assert_eq!(RtpView::parse(bytes).unwrap().pt, RTX);
        bytes.len() + SEAL
    };
    sent.0.iter().map(size).collect()
}

#[test]
fn a_probe_is_no_larger_than_it_is_to_be_whatever_it_is_made_of() {
    for payload in [30, 700, 1_200, 1_400] {
        for bytes in [5_000, 15_000] {
            let (mut outbound, now) = after(30, payload);
            let sizes = sizes(&mut outbound, bytes, now);
            let wanted = usize::try_from(bytes).unwrap();
            let all: usize = sizes.iter().sum();
            let without_last = all - sizes.last().unwrap();
            let (first, last) = (sizes[0], sizes.len());
            assert!(
                first > payload,
                "the latest packets come first: {sizes:?}, {payload}"
            );
            assert!(all >= wanted && last >= 5, "{all} of {bytes} in {last}");
            assert!(
                without_last < wanted || last == 5,
                "{all} of {bytes} in {last}"
            );
        }
    }
}

#[test]
fn a_probe_of_padding_counts_what_it_takes_on_the_wire() {
    let (mut outbound, now) = after(1, 0);
    let sizes = sizes(&mut outbound, 15_000, now);
    let all: usize = sizes.iter().sum();
    assert!((15_000..15_000 + sizes[1]).contains(&all), "{all}");
}

#[test]
fn a_probe_that_may_not_leave_ends() {
    /// Seals nothing, or has room for nothing, and counts how often it was asked.
    struct Nobody {
        answer: Result<(), Unsealable>,
        asked: usize,
    }
    impl RtpSink for Nobody {
        fn rtp(&mut self, _: Ssrc, _: u64, _: impl FnOnce(&mut Vec<u8>)) -> Result<(), Unsealable> {
            self.asked += 1;
            self.answer
        }
    }
    for answer in [Ok(()), Err(Unsealable)] {
        for history in [0, 30] {
            let (mut outbound, now) = after(history, 1_000);
            let mut nobody = Nobody { answer, asked: 0 };
            outbound.slots[0].probe(probe(15_000), &mut outbound.gate, now, &mut nobody);
            assert_eq!(nobody.asked, 1, "{answer:?} after {history}");
        }
    }
}
