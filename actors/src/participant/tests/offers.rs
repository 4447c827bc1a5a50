//! Session descriptions as a browser writes them, as short as they may be.

use super::*;

/// What an m-line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    Microphone,
    Camera,
    /// A camera with two encodings, `q` and `h`.
    Simulcast,
    VideoSlot,
}

impl Line {
    fn source(self) -> Option<Source> {
        match self {
            Self::Microphone => Some(Source::Microphone),
            Self::Camera | Self::Simulcast => Some(Source::Camera),
            Self::VideoSlot => None,
        }
    }

    fn text(self, mid: usize) -> String {
        let direction = if self.source().is_some() {
            "sendonly"
        } else {
            "recvonly"
        };
        let media = if self == Self::Microphone {
            "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n"
        } else {
            "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\n"
        };
        let simulcast = if self == Self::Simulcast {
            "a=extmap:2 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n\
             a=rid:q send\r\na=rid:h send\r\na=simulcast:send q;h\r\n"
        } else {
            ""
        };
        format!(
            "{media}c=IN IP4 0.0.0.0\r\na=mid:{mid}\r\na={direction}\r\na=rtcp-mux\r\n\
             a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\n{simulcast}"
        )
    }
}

/// An offer with these m-lines, and what it publishes. Each `seed` is another peer connection.
pub(super) fn sdp(seed: u8, lines: &[Line]) -> (String, Vec<PublishedMid>) {
    let mids: Vec<String> = (0..lines.len()).map(|mid| mid.to_string()).collect();
    let fingerprint = vec![format!("{seed:02X}"); 32].join(":");
    let session = format!(
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {}\r\n\
         a=ice-ufrag:abcd{seed}\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=setup:actpass\r\n\
         a=fingerprint:sha-256 {fingerprint}\r\n",
        mids.join(" ")
    );
    let media = lines.iter().enumerate();
    let media: String = media.map(|(mid, line)| line.text(mid)).collect();
    let publish = lines.iter().zip(mids);
    let publish = publish.filter_map(|(line, mid)| {
        let source = line.source()?;
        Some(PublishedMid { mid, source })
    });
    (session + &media, publish.collect())
}
