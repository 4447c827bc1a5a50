use super::*;

#[test]
fn a_reoffer_keeps_tracks_and_slots_and_ends_what_is_gone() {
    let mut negotiation = negotiation();
    let offer = Offer::parse(CHROMIUM).unwrap();
    let first = negotiation.agree(&offer, &camera_and_microphone()).unwrap();
    let same = negotiation.agree(&offer, &camera_and_microphone()).unwrap();
    assert_eq!((&same.tracks, &same.slots), (&first.tracks, &first.slots));
    assert!(same.ended.is_empty());

    let muted = replaced(
        CHROMIUM,
        "a=sendonly\r\na=msid:9f2d1a0e-4a57-4c6d-8b1e-0f5a3c7d2e11 b1c0ffee-0000-4000-8000-000000000002",
        "a=inactive",
    );
    let offer_without = Offer::parse(&muted).unwrap();
    let refused = negotiation
        .agree(&offer_without, &camera_and_microphone())
        .unwrap_err();
    assert_eq!(refused, SdpRefused::PublishedNotSending { mid: "1".into() });
    let less = negotiation
        .agree(&offer_without, &publish(&[("0", Source::Microphone)]))
        .unwrap();
    assert_eq!(
        less.ended,
        [TrackId {
            peer: PeerId(7),
            index: 1
        }]
    );
    assert_eq!(less.tracks[..], first.tracks[..1]);
    assert_eq!(less.slots, first.slots);

    let again = negotiation.agree(&offer, &camera_and_microphone()).unwrap();
    assert_eq!(
        again.tracks[1].id,
        TrackId {
            peer: PeerId(7),
            index: 2
        },
        "ids are not used twice"
    );
    let screen = publish(&[("0", Source::Microphone), ("1", Source::Screen)]);
    let other = negotiation.agree(&offer, &screen).unwrap();
    assert_eq!(other.ended, [again.tracks[1].id]);
}

#[test]
fn a_slot_keeps_its_ssrc_through_a_rest() {
    let mut negotiation = negotiation();
    let offer = Offer::parse(CHROMIUM).unwrap();
    let ssrcs = |slots: &[SlotSpec]| -> Vec<(Ssrc, Option<Ssrc>)> {
        slots
            .iter()
            .map(|slot| (slot.ssrc, slot.rtx_ssrc))
            .collect()
    };
    let first = negotiation.agree(&offer, &[]).unwrap();
    let resting = Offer::parse(&CHROMIUM.replace("a=recvonly", "a=inactive")).unwrap();
    assert!(negotiation.agree(&resting, &[]).unwrap().slots.is_empty());
    let again = negotiation.agree(&offer, &[]).unwrap();
    assert_eq!(ssrcs(&again.slots), ssrcs(&first.slots));
}

#[test]
fn a_reoffer_from_another_peer_or_without_its_lines_is_refused() {
    let mut negotiation = negotiation();
    negotiation
        .agree(&Offer::parse(AIORTC).unwrap(), &[])
        .unwrap();
    let mut again = |sdp: &str| {
        negotiation
            .agree(&Offer::parse(sdp).unwrap(), &[])
            .unwrap_err()
    };
    let (head, _) = AIORTC.split_once("m=video").unwrap();
    assert_eq!(again(head), SdpRefused::MediaLinesChanged);
    let renamed = AIORTC
        .replace("BUNDLE 0 1", "BUNDLE 0 b")
        .replace("a=mid:1", "a=mid:b");
    assert_eq!(again(&renamed), SdpRefused::MediaLinesChanged);
    let other = AIORTC.replace("sha-256 6B", "sha-256 6C");
    assert_eq!(again(&other), SdpRefused::FingerprintChanged);
}

#[test]
fn a_stopped_line_is_rejected_and_may_be_used_for_another() {
    let mut negotiation = negotiation();
    negotiation
        .agree(&Offer::parse(AIORTC).unwrap(), &[])
        .unwrap();
    let stopped = AIORTC
        .replace("m=video 52201", "m=video 0")
        .replace("BUNDLE 0 1", "BUNDLE 0");
    let agreement = negotiation
        .agree(&Offer::parse(&stopped).unwrap(), &[])
        .unwrap();
    assert!(agreement.lines[1].is_none());
    let recycled = AIORTC
        .replace("BUNDLE 0 1", "BUNDLE 0 2")
        .replace("a=mid:1", "a=mid:2");
    let agreement = negotiation
        .agree(&Offer::parse(&recycled).unwrap(), &[])
        .unwrap();
    assert_eq!(
        agreement.lines[1].as_ref().map(|line| &*line.mid.0),
        Some("2")
    );
}
