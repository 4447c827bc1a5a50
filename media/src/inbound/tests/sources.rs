//! Whose packets they are, and what padding does to them.

use super::*;

#[test]
fn a_source_that_packets_named_stays_known_over_the_same_declaration_once_more() {
    let declared = || TrackSpec {
        ssrcs: vec![(Ssrc(10), None)],
        ..camera(&[])
    };
    let other = || TrackSpec {
        id: id(7),
        mid: Mid("w".into()),
        ..camera(&[])
    };
    let (mut inbound, now) = inbound(vec![declared(), other()]);
    inbound.handle_rtp(packet(VP8, 20, 1, INTER, named("v", RID, "x")), now);
    let before = inbound.poll_burst().unwrap()[0].seq;
    inbound.set_tracks(vec![declared(), other()]);
    // A browser names its m-line until it hears a report, and then no more.
    inbound.handle_rtp(packet(VP8, 20, 2, INTER, |_| {}), now);
    assert_eq!(inbound.poll_burst().unwrap()[0].seq, before + 1);

    let another = TrackSpec {
        ssrcs: vec![(Ssrc(30), None)],
        ..camera(&[])
    };
    inbound.set_tracks(vec![another, other()]);
    inbound.handle_rtp(packet(VP8, 30, 9, INTER, |_| {}), now);
    assert_eq!(inbound.poll_burst().unwrap()[0].track, id(0));
}

#[test]
fn padding_on_the_medias_own_source_is_a_packet_without_payload() {
    let (mut inbound, now) = inbound(vec![camera(&[])]);
    inbound.handle_rtp(packet(VP8, 10, 1, KEY, |_| {}), now);
    let mut probe = packet(VP8, 10, 2, &[0, 0, 0, 4], |_| {}).to_vec();
    probe[0] |= 0x20;
    inbound.handle_rtp(probe.into(), now);
    inbound.handle_rtp(packet(VP8, 10, 3, INTER, |_| {}), now);
    let burst = inbound.poll_burst().unwrap();
    let lengths: Vec<usize> = burst.iter().map(|packet| packet.payload.len()).collect();
    assert_eq!(lengths, [KEY.len(), 0, INTER.len()]);
    assert!(!burst[1].info.starts_keyframe);
    assert!(
        feedback(&mut inbound, now + 5 * MS).is_empty(),
        "nothing is missing"
    );
}

#[test]
fn padding_on_the_source_of_retransmissions_is_no_packet_at_all() {
    let (mut inbound, now) = inbound(vec![camera(&["q"])]);
    inbound.handle_rtp(packet(VP8, 10, 1, KEY, named("v", RID, "q")), now);
    inbound.poll_burst().unwrap();
    let probe = |sequence: u16, payload: &[u8]| {
        let named = named("v", REPAIRED, "q");
        let mut probe = packet(RTX, 11, sequence, payload, named).to_vec();
        probe[0] |= 0x20;
        Bytes::from(probe)
    };
    inbound.handle_rtp(probe(500, &[0, 0, 0, 4]), now);
    // A probe may also be a packet that came long ago, once more.
    let again = [&[0, 1][..], KEY, &[1]].concat();
    inbound.handle_rtp(probe(501, &again), now);
    assert!(inbound.poll_burst().is_none());
    let stats = inbound.stats(now);
    assert_eq!((stats.ignored, stats.layers[0].packets), (0, 1));
}

#[test]
fn packets_that_overtake_each_other_are_not_asked_for() {
    let (mut inbound, now) = inbound(vec![camera(&[])]);
    for (sequence, ms) in [(1, 0), (3, 1), (2, 3), (6, 4), (4, 6), (5, 8)] {
        inbound.handle_rtp(packet(VP8, 10, sequence, INTER, |_| {}), now + ms * MS);
        let asked = feedback(&mut inbound, now + ms * MS);
        assert!(asked.is_empty(), "{asked:?}");
    }
    let later = feedback(&mut inbound, now + 100 * MS);
    assert!(later.is_empty(), "{later:?}");
}
