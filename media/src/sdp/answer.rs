//! Writes the answer.

use std::fmt::Write as _;

use super::Offer;
use super::extension::listed;
use super::line::Line;
use super::negotiation::{AgreedLine, Agreement};
use crate::ice::Credentials;
use crate::peer::{HostCandidate, Protocol};

/// Our side of the transport.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Local<'a> {
    pub(crate) credentials: &'a Credentials,
    pub(crate) fingerprint: &'a str,
    pub(crate) candidates: &'a [HostCandidate],
    /// Names this end in RTCP (RFC 8834 §4.9).
    pub(crate) cname: &'a str,
    /// The same in all answers to one peer.
    pub(crate) session: u64,
    /// One more in every answer to one peer.
    pub(crate) version: u64,
}

/// The answer, line by line as the offer has them.
pub(crate) fn write(offer: &Offer, agreement: &Agreement, local: Local<'_>) -> String {
    let mut answer = Text(String::with_capacity(4096));
    let bundled: Vec<&str> = agreement
        .lines
        .iter()
        .flatten()
        .map(|line| &*line.mid.0)
        .collect();
    answer.line("v=0");
    answer.line(format_args!(
        "o=- {} {} IN IP4 127.0.0.1",
        local.session, local.version
    ));
    answer.line("s=-");
    answer.line("t=0 0");
    answer.line("a=ice-lite");
    answer.line(format_args!("a=group:BUNDLE {}", bundled.join(" ")));
    if offer.extmap_allow_mixed {
        answer.line("a=extmap-allow-mixed");
    }
    answer.line("a=msid-semantic: WMS *");
    let mut first = true;
    for (line, agreed) in offer.lines.iter().zip(&agreement.lines) {
        match agreed {
            Some(agreed) => {
                answer.accepted(line, agreed, local);
                if std::mem::take(&mut first) {
                    answer.candidates(local.candidates);
                }
            }
            None => answer.rejected(line),
        }
    }
    answer.0
}

/// Text with SDP's line ends.
struct Text(String);

impl Text {
    fn line(&mut self, line: impl std::fmt::Display) {
        write!(self.0, "{line}\r\n").expect("writing to a string cannot fail");
    }

    fn rejected(&mut self, line: &Line) {
        self.line(format_args!(
            "m={} 0 {} {}",
            line.media, line.protocol, line.formats
        ));
        self.line("c=IN IP4 0.0.0.0");
        if let Some(mid) = &line.mid {
            self.line(format_args!("a=mid:{}", mid.0));
        }
        self.line("a=inactive");
    }

    fn accepted(&mut self, line: &Line, agreed: &AgreedLine, local: Local<'_>) {
        let mut formats: Vec<String> = Vec::new();
        for codec in &line.codecs {
            formats.push(codec.spec.pt.0.to_string());
            formats.extend(codec.spec.rtx.map(|rtx| rtx.0.to_string()));
        }
        let formats = formats.join(" ");
        self.line(format_args!(
            "m={} 9 {} {formats}",
            line.media, line.protocol
        ));
        self.line("c=IN IP4 0.0.0.0");
        self.line("a=rtcp:9 IN IP4 0.0.0.0");
        self.line(format_args!("a=ice-ufrag:{}", local.credentials.ufrag()));
        self.line(format_args!("a=ice-pwd:{}", local.credentials.pwd()));
        self.line(format_args!("a=fingerprint:sha-256 {}", local.fingerprint));
        self.line("a=setup:passive");
        self.line(format_args!("a=mid:{}", agreed.mid.0));
        // Also those that have no meaning where only the server sends: a browser takes one that is refused once for
        // refused on all later m-lines, and could not offer simulcast any more.
        for (number, uri) in listed(line.extensions) {
            self.line(format_args!("a=extmap:{number} {uri}"));
        }
        self.line(format_args!("a={}", agreed.direction.name()));
        self.line("a=rtcp-mux");
        if line.rtcp_rsize {
            self.line("a=rtcp-rsize");
        }
        self.codecs(line);
        if agreed.direction.receives && !line.rids.is_empty() {
            self.simulcast(line);
        }
        if agreed.slot.is_some() {
            self.slot(agreed, local.cname);
        }
    }

    fn codecs(&mut self, line: &Line) {
        for codec in &line.codecs {
            let pt = codec.spec.pt.0;
            self.line(format_args!("a=rtpmap:{pt} {}", codec.encoding));
            for feedback in &codec.feedback {
                self.line(format_args!("a=rtcp-fb:{pt} {feedback}"));
            }
            if let Some(parameters) = &codec.parameters {
                self.line(format_args!("a=fmtp:{pt} {parameters}"));
            }
            if let Some(rtx) = codec.spec.rtx {
                self.line(format_args!("a=rtpmap:{} rtx/90000", rtx.0));
                self.line(format_args!("a=fmtp:{} apt={pt}", rtx.0));
            }
        }
    }

    fn simulcast(&mut self, line: &Line) {
        let rids: Vec<&str> = line.rids.iter().map(|rid| &*rid.0).collect();
        for rid in &rids {
            self.line(format_args!("a=rid:{rid} recv"));
        }
        self.line(format_args!("a=simulcast:recv {}", rids.join(";")));
    }

    /// Each slot is a stream of its own: what plays in two of them need not be in step.
    fn slot(&mut self, agreed: &AgreedLine, cname: &str) {
        let Some((ssrc, rtx)) = agreed.slot else {
            return;
        };
        let (ssrc, mid) = (ssrc.0, &agreed.mid.0);
        self.line(format_args!("a=msid:slot-{mid} slot-{mid}"));
        if let Some(rtx) = rtx {
            self.line(format_args!("a=ssrc-group:FID {ssrc} {}", rtx.0));
        }
        for ssrc in std::iter::once(ssrc).chain(rtx.map(|rtx| rtx.0)) {
            self.line(format_args!("a=ssrc:{ssrc} cname:{cname}"));
            self.line(format_args!("a=ssrc:{ssrc} msid:slot-{mid} slot-{mid}"));
        }
    }

    fn candidates(&mut self, candidates: &[HostCandidate]) {
        for (at, candidate) in candidates.iter().enumerate() {
            // RFC 8445 §5.1.2.1: host, then UDP before TCP, then in the order of the list.
            let order = u32::try_from(at).unwrap_or(u32::MAX).min(0x1fff);
            let (name, preference, kind) = match candidate.protocol {
                Protocol::Udp => ("udp", 0xffff - order, ""),
                Protocol::Tcp => ("tcp", 0x7fff - order, " tcptype passive"),
            };
            let priority = 126 << 24 | preference << 8 | 255;
            let (ip, port) = (candidate.address.ip(), candidate.address.port());
            let foundation = at + 1;
            self.line(format_args!(
                "a=candidate:{foundation} 1 {name} {priority} {ip} {port} typ host{kind}"
            ));
        }
        self.line("a=end-of-candidates");
    }
}
