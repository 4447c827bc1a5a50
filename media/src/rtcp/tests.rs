use bytes::Bytes;
use proptest::prelude::*;

use super::*;

const CNAME: Bytes = Bytes::from_static(b"calls");
const OURS: Ssrc = Ssrc(1);
const MEDIA: Ssrc = Ssrc(0xabcd_0123);

fn block(total_lost: i32) -> ReceptionBlock {
    ReceptionBlock {
        ssrc: MEDIA,
        fraction_lost: 12,
        total_lost,
        highest: 0x0001_ffff,
        jitter: 77,
        last_sender_report: 5,
        delay: 6,
    }
}

#[test]
fn what_we_write_reads_back() {
    let mut compound = Compound::new(OURS, &CNAME);
    compound.reception(&[block(-3), block(70_000)]);
    compound.sender(MEDIA, 1 << 40, 9, 100, 2000);
    compound.nack(MEDIA, &[65_534, 65_535, 0, 30]);
    compound.picture_loss(MEDIA);
    compound.full_intra(Ssrc(8), 3);
    let bytes = compound.finish().unwrap();
    assert_eq!(
        parse(&bytes),
        [
            Rtcp::Reception(block(-3)),
            Rtcp::Reception(block(70_000)),
            Rtcp::SenderReport {
                ssrc: MEDIA,
                ntp: 1 << 40,
                rtp: 9
            },
            Rtcp::Nack {
                media: MEDIA,
                lost: vec![65_534, 65_535, 0, 30]
            },
            Rtcp::KeyframeRequest { media: MEDIA },
            Rtcp::KeyframeRequest { media: Ssrc(8) },
        ]
    );
}

#[test]
fn a_compound_that_says_nothing_is_not_sent() {
    assert_eq!(Compound::new(OURS, &CNAME).finish(), None);
}

#[test]
fn feedback_alone_still_begins_with_a_report_and_names_its_sender() {
    let mut compound = Compound::new(OURS, &CNAME);
    compound.picture_loss(MEDIA);
    let bytes = compound.finish().unwrap();
    assert_eq!(bytes[..8], [0x80, 201, 0, 1, 0, 0, 0, 1]);
    assert_eq!(bytes[9], 202);
    assert!(bytes.windows(5).any(|text| text == b"calls"));
}

#[test]
fn the_size_it_counts_on_is_not_smaller_than_what_it_writes() {
    let mut compound = Compound::new(OURS, &CNAME);
    while compound.fits(compound.sender_size()) {
        compound.sender(MEDIA, 1, 2, 3, 4);
    }
    assert!(compound.finish().unwrap().len() <= 1100);
}

#[test]
fn padding_is_no_feedback() {
    // A NACK of one number, padded by four bytes.
    let bytes = [
        0xa1, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 9, 0, 0, 0, 0, 0, 4,
    ];
    assert_eq!(
        parse(&bytes),
        [Rtcp::Nack {
            media: Ssrc(2),
            lost: vec![9]
        }]
    );
}

#[test]
fn what_stands_before_a_cut_off_packet_is_still_read() {
    let mut bytes = vec![0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2];
    bytes.extend([0x81, 206, 0, 2, 0]);
    assert_eq!(parse(&bytes), [Rtcp::KeyframeRequest { media: Ssrc(2) }]);
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        parse(&bytes);
    }

    #[test]
    fn any_body_behind_a_true_header_is_survived(
        packets in proptest::collection::vec(
            (0u8..64, 198u8..210, proptest::collection::vec(any::<[u8; 4]>(), 0..20)),
            1..4,
        ),
        cut in 0usize..8,
    ) {
        let mut bytes = Vec::new();
        for (flags, kind, words) in packets {
            bytes.extend([0x80 | flags, kind, 0, u8::try_from(words.len()).unwrap()]);
            bytes.extend(words.concat());
        }
        bytes.truncate(bytes.len().saturating_sub(cut));
        parse(&bytes);
    }

    #[test]
    fn every_lost_number_survives_the_way(lost in proptest::collection::btree_set(any::<u16>(), 1..60)) {
        let lost: Vec<u16> = lost.into_iter().collect();
        let mut compound = Compound::new(OURS, &CNAME);
        compound.nack(MEDIA, &lost);
        let read = parse(&compound.finish().unwrap());
        prop_assert_eq!(read, [Rtcp::Nack { media: MEDIA, lost }]);
    }
}
