//! As much SDP as a light participant needs: writes what it offers, and reads what the other side says of itself.

use std::fmt::{Display, Write};
use std::io::Cursor;
use std::net::{IpAddr, SocketAddr};

use rtc::sdp::SessionDescription;
use rtc::sdp::description::common::Attribute;
use rtc::sdp::description::media::MediaDescription;

use super::ice::Credentials;
use crate::tally::Kind;
use crate::traffic::{OPUS, VP8, VP8_RTX};

/// RFC 6464.
const AUDIO_LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";

/// draft-holmer-rmcat-transport-wide-cc-extensions-01.
const TRANSPORT_CC: &str =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/// RFC 8843, RFC 8852.
const MID: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
const RID: &str = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";
const REPAIRED_RID: &str = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id";

/// Numbers of the header extensions in what we write.
const AUDIO_LEVEL_ID: u8 = 1;
const TRANSPORT_CC_ID: u8 = 3;
const MID_ID: u8 = 4;
const RID_ID: u8 = 10;
const REPAIRED_RID_ID: u8 = 11;

/// Names of a camera's encodings, smallest first (RFC 8851).
pub(crate) const RIDS: [&str; 3] = ["q", "h", "f"];

/// Priority of the only host candidate (RFC 8445 §5.1.2.1).
const HOST_PRIORITY: u32 = (126 << 24) | (65_535 << 8) | 255;

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

/// An offer of these lines. We always shake hands first (`a=setup:active`), as browsers do with an ICE-lite server.
pub(crate) fn offer(local: Local<'_>, lines: &[Line]) -> String {
    let mut text = Text::begin(lines.iter().map(|line| line.mid.as_str()));
    for line in lines {
        let audio = line.kind == Kind::Audio;
        let (payload_type, rtx) = if audio {
            (OPUS, None)
        } else {
            (VP8, Some(VP8_RTX))
        };
        let numbers = Extensions {
            audio_level: audio.then_some(AUDIO_LEVEL_ID),
            transport_cc: Some(TRANSPORT_CC_ID),
            mid: line.is_simulcast().then_some(MID_ID),
            rid: line.is_simulcast().then_some(RID_ID),
            repaired_rid: line.is_simulcast().then_some(REPAIRED_RID_ID),
        };
        text.media(local, line, payload_type, rtx, numbers);
    }
    text.0
}

/// An answer that receives everything that `remote` offers.
pub(crate) fn answer(local: Local<'_>, remote: &Remote) -> String {
    let mut text = Text::begin(remote.lines.iter().map(|line| line.mid.as_str()));
    for line in &remote.lines {
        let ours = Line {
            mid: line.mid.clone(),
            kind: line.kind,
            send: Vec::new(),
        };
        let usual = match line.kind {
            Kind::Audio => OPUS,
            Kind::Video => VP8,
        };
        text.media(
            local,
            &ours,
            line.payload_type.unwrap_or(usual),
            line.rtx_payload_type,
            line.extensions.without_names(),
        );
    }
    text.0
}

struct Text(String);

impl Text {
    fn begin<'a>(mids: impl Iterator<Item = &'a str>) -> Self {
        let mut text = Self(String::with_capacity(4096));
        text.line("v=0");
        text.line("o=- 1 1 IN IP4 127.0.0.1");
        text.line("s=-");
        text.line("t=0 0");
        let mids: Vec<_> = mids.collect();
        text.line(format_args!("a=group:BUNDLE {}", mids.join(" ")));
        text.line("a=msid-semantic: WMS *");
        text
    }

    fn line(&mut self, line: impl Display) {
        // Writing to a string cannot fail.
        let _infallible = write!(self.0, "{line}\r\n");
    }

    fn media(
        &mut self,
        local: Local<'_>,
        line: &Line,
        payload_type: u8,
        rtx: Option<u8>,
        numbers: Extensions,
    ) {
        let rtx_format = rtx.map_or(String::new(), |rtx| format!(" {rtx}"));
        self.line(format_args!(
            "m={} 9 UDP/TLS/RTP/SAVPF {payload_type}{rtx_format}",
            line.kind
        ));
        self.line("c=IN IP4 0.0.0.0");
        self.line(format_args!("a=ice-ufrag:{}", local.credentials.ufrag));
        self.line(format_args!("a=ice-pwd:{}", local.credentials.pwd));
        self.line(format_args!("a=fingerprint:sha-256 {}", local.fingerprint));
        self.line("a=setup:active");
        if let Some(address) = local.candidate {
            let (ip, port) = (address.ip(), address.port());
            self.line(format_args!(
                "a=candidate:1 1 udp {HOST_PRIORITY} {ip} {port} typ host"
            ));
            self.line("a=end-of-candidates");
        }
        self.line(format_args!("a=mid:{}", line.mid));
        for (number, uri) in numbers.listed() {
            self.line(format_args!("a=extmap:{number} {uri}"));
        }
        let direction = if line.send.is_empty() {
            "recvonly"
        } else {
            "sendonly"
        };
        self.line(format_args!("a={direction}"));
        self.line("a=rtcp-mux");
        self.line("a=rtcp-rsize");
        if line.kind == Kind::Audio {
            self.line(format_args!("a=rtpmap:{payload_type} opus/48000/2"));
            self.line(format_args!("a=rtcp-fb:{payload_type} transport-cc"));
            self.line(format_args!(
                "a=fmtp:{payload_type} minptime=10;useinbandfec=1"
            ));
        } else {
            self.line(format_args!("a=rtpmap:{payload_type} VP8/90000"));
            for feedback in ["transport-cc", "ccm fir", "nack", "nack pli"] {
                self.line(format_args!("a=rtcp-fb:{payload_type} {feedback}"));
            }
            if let Some(rtx) = rtx {
                self.line(format_args!("a=rtpmap:{rtx} rtx/90000"));
                self.line(format_args!("a=fmtp:{rtx} apt={payload_type}"));
            }
        }
        match line.send[..] {
            [] => {}
            [Stream { ssrc, rtx }] => self.stream(ssrc, rtx, line),
            _ => self.encodings(line),
        }
    }

    /// RFC 8853: known by their names alone, as browsers write it.
    fn encodings(&mut self, line: &Line) {
        self.line(format_args!("a=msid:crowd {}", line.mid));
        let names = &RIDS[..line.send.len().min(RIDS.len())];
        for name in names {
            self.line(format_args!("a=rid:{name} send"));
        }
        self.line(format_args!("a=simulcast:send {}", names.join(";")));
    }

    fn stream(&mut self, ssrc: u32, rtx: u32, line: &Line) {
        self.line(format_args!("a=msid:crowd {}", line.mid));
        if line.kind == Kind::Video {
            self.line(format_args!("a=ssrc-group:FID {ssrc} {rtx}"));
            self.line(format_args!("a=ssrc:{rtx} cname:crowd"));
        }
        self.line(format_args!("a=ssrc:{ssrc} cname:crowd"));
    }
}

impl Extensions {
    fn listed(self) -> impl Iterator<Item = (u8, &'static str)> {
        [
            (self.audio_level, AUDIO_LEVEL),
            (self.transport_cc, TRANSPORT_CC),
            (self.mid, MID),
            (self.rid, RID),
            (self.repaired_rid, REPAIRED_RID),
        ]
        .into_iter()
        .filter_map(|(number, uri)| Some((number?, uri)))
    }

    /// Those of somebody who sends nothing that must be told apart.
    fn without_names(self) -> Self {
        Self {
            mid: None,
            rid: None,
            repaired_rid: None,
            ..self
        }
    }

    fn note(&mut self, value: &str) {
        let Some((number, uri)) = value.split_once(' ') else {
            return;
        };
        let number = number
            .split('/')
            .next()
            .and_then(|number| number.parse().ok());
        match uri.trim() {
            AUDIO_LEVEL => self.audio_level = number,
            TRANSPORT_CC => self.transport_cc = number,
            MID => self.mid = number,
            RID => self.rid = number,
            REPAIRED_RID => self.repaired_rid = number,
            _ => {}
        }
    }
}

impl Remote {
    /// Reads the other side's description.
    pub(crate) fn read(text: &str) -> Result<Self, SdpUnusable> {
        let description = SessionDescription::unmarshal(&mut Cursor::new(text))
            .map_err(|error| SdpUnusable::Malformed(error.to_string()))?;
        let everywhere = || {
            let session = description.attributes.iter();
            let lines = description.media_descriptions.iter();
            session.chain(lines.flat_map(|line| &line.attributes))
        };
        let find = |key, what| first(everywhere(), key).ok_or(SdpUnusable::Lacks(what));
        let fingerprint = find("fingerprint", "fingerprint")?;
        let fingerprint = fingerprint
            .strip_prefix("sha-256 ")
            .ok_or(SdpUnusable::Lacks("SHA-256 fingerprint"))?;
        let address = everywhere()
            .filter(|attribute| attribute.key == "candidate")
            .find_map(|attribute| candidate(attribute.value.as_deref()?))
            .ok_or(SdpUnusable::Lacks("candidate for UDP over IPv4"))?;
        Ok(Self {
            credentials: Credentials {
                ufrag: find("ice-ufrag", "ICE user fragment")?.to_owned(),
                pwd: find("ice-pwd", "ICE password")?.to_owned(),
            },
            fingerprint: fingerprint.to_owned(),
            address,
            lines: description
                .media_descriptions
                .iter()
                .map(RemoteLine::read)
                .collect(),
        })
    }
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

    fn read(line: &MediaDescription) -> Self {
        let mut read = Self::new(match line.media_name.media.as_str() {
            "audio" => Kind::Audio,
            _ => Kind::Video,
        });
        let mut groups = Vec::new();
        let mut ssrcs: Vec<u32> = Vec::new();
        for attribute in &line.attributes {
            let value = attribute.value.as_deref().unwrap_or_default();
            match attribute.key.as_str() {
                "mid" => value.clone_into(&mut read.mid),
                "extmap" => read.extensions.note(value),
                "rtpmap" => read.payload(value),
                "ssrc-group" => groups.extend(pair(value)),
                "ssrc" => {
                    let ssrc = value.split(' ').next();
                    ssrcs.extend(ssrc.and_then(|ssrc| ssrc.parse::<u32>().ok()));
                }
                _ => {}
            }
        }
        for ssrc in ssrcs {
            let known = |&(media, rtx): &(u32, Option<u32>)| media == ssrc || rtx == Some(ssrc);
            if !read.streams.iter().any(known) {
                let rtx = groups.iter().find(|group| group.0 == ssrc);
                read.streams.push((ssrc, rtx.map(|group| group.1)));
            }
        }
        // A retransmission's SSRC may have been listed before its stream's.
        let rtx: Vec<_> = read.streams.iter().filter_map(|stream| stream.1).collect();
        read.streams.retain(|stream| !rtx.contains(&stream.0));
        read
    }

    fn payload(&mut self, value: &str) {
        let Some((number, codec)) = value.split_once(' ') else {
            return;
        };
        let codec = codec.to_ascii_lowercase();
        let number = number.parse().ok();
        if codec.starts_with("opus/") || codec.starts_with("vp8/") {
            self.payload_type = self.payload_type.or(number);
        } else if codec.starts_with("rtx/") {
            self.rtx_payload_type = self.rtx_payload_type.or(number);
        }
    }
}

fn first<'a>(mut attributes: impl Iterator<Item = &'a Attribute>, key: &str) -> Option<&'a str> {
    attributes
        .find(|attribute| attribute.key == key)?
        .value
        .as_deref()
}

/// `FID media rtx`.
fn pair(group: &str) -> Option<(u32, u32)> {
    let mut words = group.strip_prefix("FID ")?.split(' ');
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

/// A candidate (RFC 8839 §5.1) that we can send to: component 1, UDP, IPv4.
fn candidate(value: &str) -> Option<SocketAddr> {
    let mut words = value.split_whitespace().skip(1);
    let (component, protocol) = (words.next()?, words.next()?);
    let (_priority, ip, port) = (words.next()?, words.next()?, words.next()?);
    let ip: IpAddr = ip.parse().ok()?;
    (component == "1" && protocol.eq_ignore_ascii_case("udp") && ip.is_ipv4())
        .then_some(SocketAddr::new(ip, port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

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
