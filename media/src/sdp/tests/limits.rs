//! What an offer may have at most. Reading it takes as long as it is long, whatever its sender put into it.

use std::fmt::Display;

use super::super::bounds;
use super::*;

/// The aiortc offer with `more` of these attributes in its video m-line, which stands last.
fn with_attributes(more: usize, attribute: impl Fn(usize) -> String) -> String {
    let more = (0..more).map(|at| attribute(at) + "\r\n");
    AIORTC.to_owned() + &more.collect::<String>()
}

fn with_formats(formats: impl Iterator<Item = impl Display>) -> String {
    let formats: Vec<String> = formats.map(|format| format.to_string()).collect();
    replaced(
        AIORTC,
        "RTP/SAVPF 97",
        &format!("RTP/SAVPF {} 97", formats.join(" ")),
    )
}

fn refused(sdp: &str) -> (&'static str, usize, usize) {
    match refusal(sdp) {
        SdpRefused::TooMany { what, count, limit } => (what, count, limit),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_offer_made_to_be_slow_is_refused_before_anything_is_compared() {
    let formats = with_formats(std::iter::repeat_n(5, 30_000));
    let sdp = formats + &"a=rtpmap:96 x/1\r\n".repeat(6_000);
    assert!(sdp.len() < MAX_OFFER);
    let (what, count, limit) = refused(&sdp);
    assert!(what.contains("m-line") && count > limit);
}

#[test]
fn attributes_of_an_m_line_and_of_the_session_are_counted() {
    let there = Offer::parse(AIORTC).unwrap().lines.len();
    let sdp = with_attributes(2 * bounds::ATTRIBUTES, |_| "a=x".into());
    let (what, count, limit) = refused(&sdp);
    assert_eq!(
        (what, limit),
        ("attributes in one m-line", bounds::ATTRIBUTES)
    );
    assert!(count > limit);
    let few = with_attributes(bounds::ATTRIBUTES / 2, |_| "a=x".into());
    assert_eq!(Offer::parse(&few).unwrap().lines.len(), there);

    let session = format!("t=0 0\r\n{}", "a=x\r\n".repeat(2 * bounds::ATTRIBUTES));
    let (what, ..) = refused(&replaced(AIORTC, "t=0 0\r\n", &session));
    assert_eq!(what, "attributes of the session");
}

#[test]
fn formats_are_counted_even_if_nothing_describes_them() {
    let sdp = with_formats(0..bounds::FORMATS);
    assert_eq!(
        refused(&sdp),
        (
            "formats in one m-line",
            bounds::FORMATS + 6,
            bounds::FORMATS
        )
    );
    let fits = with_formats(std::iter::repeat_n(5, bounds::FORMATS - 6));
    Offer::parse(&fits).unwrap();
}

#[test]
fn a_format_that_stands_there_twice_is_one() {
    let sdp = with_formats(std::iter::repeat_n(97, 50));
    let codecs = |sdp: &str| Offer::parse(sdp).unwrap().lines[1].codecs.clone();
    assert_eq!(codecs(&sdp), codecs(AIORTC));
}

#[test]
fn encodings_are_counted() {
    let rids = with_attributes(bounds::ENCODINGS + 1, |at| format!("a=rid:{at} send"));
    assert_eq!(refused(&rids), ("encodings in one m-line", 17, 16));
    let streams = with_attributes(1, |_| format!("a=simulcast:send {}", ";".repeat(16)));
    assert_eq!(
        refused(&streams),
        ("simulcast streams in one m-line", 17, 16)
    );
}

#[test]
fn sources_and_their_groups_are_counted() {
    let ssrcs = with_attributes(2 * bounds::SOURCES, |at| {
        format!("a=ssrc:{} cname:x", at + 1)
    });
    let (what, ..) = refused(&ssrcs);
    assert_eq!(what, "ssrcs in one m-line");
    let groups = with_attributes(2 * bounds::GROUPS, |_| "a=ssrc-group:FID 1 2".into());
    let (what, ..) = refused(&groups);
    assert_eq!(what, "ssrc-groups in one m-line");
    let wide = with_attributes(1, |_| format!("a=ssrc-group:FID {}", "7 ".repeat(1000)));
    assert_eq!(refused(&wide), ("ssrcs in one ssrc-group", 1000, 32));
    let chatty = with_attributes(4 * bounds::SOURCES, |at| {
        format!("a=ssrc:{} x:{at}", at % 4)
    });
    assert!(
        Offer::parse(&chatty).is_ok(),
        "many lines about few sources"
    );
}

#[test]
fn certificates_are_counted() {
    let line = AIORTC
        .lines()
        .find(|line| line.starts_with("a=fingerprint"))
        .unwrap();
    let many = format!("{line}\r\n").repeat(bounds::FINGERPRINTS + 1);
    let sdp = replaced(AIORTC, &format!("{line}\r\n"), &many);
    assert_eq!(refused(&sdp), ("fingerprints", 19, 16));
}

/// An offer with so many m-lines of a kind that receive, behind the two of aiortc.
fn with_slots(kind: &str, count: usize) -> String {
    let template = AIORTC.split_once(&format!("m={kind}")).unwrap().1;
    let template = template.split_once("m=video").map_or(template, |it| it.0);
    let mid = if kind == "audio" {
        "a=mid:0"
    } else {
        "a=mid:1"
    };
    let receiving = template.replace("a=sendonly", "a=recvonly");
    let mids: Vec<String> = (0..count).map(|at| format!("s{at}")).collect();
    let line = |name: &String| {
        let named = replaced(&receiving, mid, &format!("a=mid:{name}"));
        format!("m={kind}{named}")
    };
    let lines: Vec<String> = mids.iter().map(line).collect();
    let bundle = format!("BUNDLE 0 1 {}", mids.join(" "));
    replaced(AIORTC, "BUNDLE 0 1", &bundle) + &lines.concat()
}

#[test]
fn a_client_may_have_as_many_slots_as_it_was_told() {
    for (name, kind, limit) in [
        ("audio", Kind::Audio, LIMITS.audio_slots),
        ("video", Kind::Video, LIMITS.video_slots),
    ] {
        let agreement = agree(&with_slots(name, limit), &[]).unwrap();
        assert_eq!(agreement.slots.len(), limit);
        let count = limit + 1;
        let expected = SdpRefused::TooManySlots { kind, count, limit };
        assert_eq!(refusal(&with_slots(name, count)), expected);
    }
}

#[test]
fn a_client_may_publish_as_many_tracks_as_its_limits_say() {
    let limits = PeerLimits {
        video_tracks: 0,
        ..LIMITS
    };
    let offer = Offer::parse(AIORTC).unwrap();
    let mut negotiation = Negotiation::new(PeerId(7), limits);
    let refused = negotiation.agree(&offer, &camera_and_microphone());
    let expected = SdpRefused::TooManyTracks {
        kind: Kind::Video,
        count: 1,
        limit: 0,
    };
    assert_eq!(refused.unwrap_err(), expected);
    let microphone = publish(&[("0", Source::Microphone)]);
    assert_eq!(
        negotiation.agree(&offer, &microphone).unwrap().tracks.len(),
        1
    );
}

#[test]
fn ever_new_names_of_m_lines_fill_no_table() {
    let mut negotiation = negotiation();
    for round in 0..100 {
        let name = format!("n{round}");
        let receiving = AIORTC.replace("a=sendonly", "a=recvonly");
        let renamed = replaced(&receiving, "a=mid:1", &format!("a=mid:{name}"));
        let renamed = replaced(&renamed, "BUNDLE 0 1", &format!("BUNDLE 0 {name}"));
        let stopped = replaced(&renamed, "m=video 52201", "m=video 0");
        negotiation
            .agree(&Offer::parse(&renamed).unwrap(), &[])
            .unwrap();
        negotiation
            .agree(&Offer::parse(&stopped).unwrap(), &[])
            .unwrap();
    }
    assert!(negotiation.remembered() <= 2);
}
