//! As much SDP as a light participant needs: writes what it offers, and reads what the other side says of itself.

mod read;
mod write;

use std::net::SocketAddr;

pub(crate) use self::write::{answer, offer};
use super::ice::Credentials;
use crate::tally::Kind;

/// RFC 6464.
const AUDIO_LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";

/// draft-holmer-rmcat-transport-wide-cc-extensions-01.
const TRANSPORT_CC: &str =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/// RFC 8843, RFC 8852.
const MID: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
const RID: &str = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";
const REPAIRED_RID: &str = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id";

/// Names of a camera's encodings, smallest first (RFC 8851).
pub(crate) const RIDS: [&str; 3] = ["q", "h", "f"];

/// An m-line of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// `a=mid`.
    pub(crate) mid: String,
    /// What its packets carry.
    pub(crate) kind: Kind,
    /// What is sent on it, the smallest encoding first; nothing where it only receives.
    pub(crate) send: Vec<Stream>,
}

impl Line {
    /// It sends more encodings than one, which are known by their names and not by their SSRCs.
    pub(crate) fn is_simulcast(&self) -> bool {
        self.send.len() > 1
    }
}

/// An encoding that is sent on an m-line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stream {
    /// Its SSRC.
    pub(crate) ssrc: u32,
    /// That of its retransmissions.
    pub(crate) rtx: u32,
}

/// What the other side says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remote {
    /// Its ICE credentials.
    pub(crate) credentials: Credentials,
    /// SHA-256 of its certificate.
    pub(crate) fingerprint: String,
    /// Where it takes UDP.
    pub(crate) address: SocketAddr,
    /// Its m-lines, in order.
    pub(crate) lines: Vec<RemoteLine>,
}

/// What the other side says of one m-line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RemoteLine {
    /// `a=mid`.
    pub(crate) mid: String,
    /// What its packets carry.
    pub(crate) kind: Kind,
    /// Payload type of Opus or VP8.
    pub(crate) payload_type: Option<u8>,
    /// Payload type of its retransmissions.
    pub(crate) rtx_payload_type: Option<u8>,
    /// Numbers of header extensions.
    pub(crate) extensions: Extensions,
    /// A declared stream and that of its retransmissions.
    pub(crate) streams: Vec<(u32, Option<u32>)>,
}

/// Numbers of header extensions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Extensions {
    /// RFC 6464.
    pub(crate) audio_level: Option<u8>,
    /// Transport-wide numbers.
    pub(crate) transport_cc: Option<u8>,
    /// The m-line's name, the encoding's, and that of the encoding which a retransmission is of.
    pub(crate) mid: Option<u8>,
    pub(crate) rid: Option<u8>,
    pub(crate) repaired_rid: Option<u8>,
}

/// The other side's SDP is of no use to us.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SdpUnusable {
    /// It is no SDP.
    #[error("not SDP: {0}")]
    Malformed(String),
    /// It leaves out something that we need.
    #[error("no {0}")]
    Lacks(&'static str),
}

/// Our side, to be signalled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Local<'a> {
    /// Our ICE credentials.
    pub(crate) credentials: &'a Credentials,
    /// SHA-256 of our certificate.
    pub(crate) fingerprint: &'a str,
    /// Where we take UDP, for whom it must be told; a server that is ICE-lite learns it from our checks.
    pub(crate) candidate: Option<SocketAddr>,
}

impl RemoteLine {
    /// One of which nothing else was said.
    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            mid: String::new(),
            kind,
            payload_type: None,
            rtx_payload_type: None,
            extensions: Extensions::default(),
            streams: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::write::AUDIO_LEVEL_ID;
    use super::*;
    use crate::traffic::{OPUS, VP8_RTX};

    fn lines() -> Vec<Line> {
        vec![
            Line {
                mid: "0".into(),
                kind: Kind::Audio,
                send: vec![Stream { ssrc: 11, rtx: 12 }],
            },
            Line {
                mid: "1".into(),
                kind: Kind::Video,
                send: vec![Stream { ssrc: 21, rtx: 22 }],
            },
            Line {
                mid: "2".into(),
                kind: Kind::Video,
                send: Vec::new(),
            },
        ]
    }

    #[test]
    fn encodings_are_offered_by_name_smallest_first() {
        let credentials = Credentials::generate();
        let local = Local {
            credentials: &credentials,
            fingerprint: "AB:CD",
            candidate: None,
        };
        let stream = Stream { ssrc: 1, rtx: 2 };
        let text = offer(
            local,
            &[Line {
                mid: "0".into(),
                kind: Kind::Video,
                send: vec![stream; 3],
            }],
        );
        assert!(text.contains("a=simulcast:send q;h;f\r\n"), "{text}");
        assert!(text.contains("a=rid:q send\r\n"), "{text}");
        assert!(!text.contains("a=ssrc:"), "{text}");
    }

    #[test]
    fn what_we_offer_reads_back_as_what_we_meant() {
        let credentials = Credentials::generate();
        let local = Local {
            credentials: &credentials,
            fingerprint: "AB:CD",
            candidate: None,
        };
        let text = offer(local, &lines())
            + "a=candidate:1 1 tcp 1 192.0.2.1 1 typ host tcptype passive\r\n\
               a=candidate:2 1 udp 2 2001:db8::1 2 typ host\r\n\
               a=candidate:3 1 UDP 3 192.0.2.3 3 typ host\r\n";

        let remote = Remote::read(&text).unwrap();

        assert_eq!(remote.credentials, credentials);
        assert_eq!(remote.fingerprint, "AB:CD");
        assert_eq!(remote.address, SocketAddr::from(([192, 0, 2, 3], 3)));
        let [microphone, camera, slot] = &remote.lines[..] else {
            panic!("three lines: {remote:?}");
        };
        assert_eq!(microphone.streams, [(11, None)]);
        assert_eq!(microphone.payload_type, Some(OPUS));
        assert_eq!(microphone.extensions.audio_level, Some(AUDIO_LEVEL_ID));
        assert_eq!(camera.streams, [(21, Some(22))]);
        assert_eq!(camera.rtx_payload_type, Some(VP8_RTX));
        assert_eq!((slot.mid.as_str(), slot.streams.len()), ("2", 0));
    }

    #[test]
    fn a_description_without_a_candidate_is_refused_by_name() {
        let credentials = Credentials::generate();
        let local = Local {
            credentials: &credentials,
            fingerprint: "AB:CD",
            candidate: None,
        };
        assert_eq!(
            Remote::read(&offer(local, &lines())),
            Err(SdpUnusable::Lacks("candidate for UDP over IPv4"))
        );
    }
}
