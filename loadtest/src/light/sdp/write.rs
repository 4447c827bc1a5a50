//! What we say of ourselves: offers and answers.

use std::fmt::{Display, Write};

use super::{
    AUDIO_LEVEL, Extensions, Line, Local, MID, REPAIRED_RID, RID, RIDS, Remote, Stream,
    TRANSPORT_CC,
};
use crate::tally::Kind;
use crate::traffic::{OPUS, VP8, VP8_RTX};

/// Numbers of the header extensions.
pub(super) const AUDIO_LEVEL_ID: u8 = 1;
const TRANSPORT_CC_ID: u8 = 3;
const MID_ID: u8 = 4;
const RID_ID: u8 = 10;
const REPAIRED_RID_ID: u8 = 11;

/// Priority of the only host candidate (RFC 8445 §5.1.2.1).
const HOST_PRIORITY: u32 = (126 << 24) | (65_535 << 8) | 255;

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
}
