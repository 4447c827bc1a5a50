//! One m-line of an offer.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rtc_sdp::description::media::MediaDescription;

use super::attributes::{Attributes, is_tag};
use super::bounds::{self, within};
use super::codec::{self, OfferedCodec};
use super::{SdpRefused, extension};
use crate::seam::{ExtensionIds, Kind, MAX_LAYERS, Mid, Rid, Ssrc};

/// Which way media goes, as the client sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Direction {
    pub(crate) sends: bool,
    pub(crate) receives: bool,
}

impl Direction {
    /// As an attribute says it.
    pub(crate) fn name(self) -> &'static str {
        match (self.sends, self.receives) {
            (true, true) => "sendrecv",
            (true, false) => "sendonly",
            (false, true) => "recvonly",
            (false, false) => "inactive",
        }
    }

    fn find(attributes: Attributes<'_>) -> Option<Self> {
        [(true, true), (true, false), (false, true), (false, false)]
            .map(|(sends, receives)| Self { sends, receives })
            .into_iter()
            .find(|direction| attributes.has(direction.name()))
    }
}

/// What matters of an m-line.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// `audio`, `video`, `application`, …
    pub(crate) media: String,
    /// `UDP/TLS/RTP/SAVPF`
    pub(crate) protocol: String,
    /// Its formats, for a rejection to repeat.
    pub(crate) formats: String,
    /// Audio or video over SRTP; `None` for what this server does not do.
    pub(crate) kind: Option<Kind>,
    /// Its name; `None` only on lines that are dead.
    pub(crate) mid: Option<Mid>,
    /// Not switched off by the client.
    pub(crate) live: bool,
    pub(crate) direction: Direction,
    pub(crate) codecs: Vec<OfferedCodec>,
    pub(crate) extensions: ExtensionIds,
    /// Encodings that the client would send, smallest first.
    pub(crate) rids: Vec<Rid>,
    pub(crate) ssrcs: Vec<(Ssrc, Option<Ssrc>)>,
    pub(crate) rtcp_mux: bool,
    pub(crate) rtcp_rsize: bool,
}

impl Line {
    pub(super) fn read(
        media: &MediaDescription,
        session: Attributes<'_>,
    ) -> Result<Self, SdpRefused> {
        let attributes = Attributes(&media.attributes);
        let name = &media.media_name;
        within(
            "attributes in one m-line",
            attributes.0.len(),
            bounds::ATTRIBUTES,
        )?;
        within("formats in one m-line", name.formats.len(), bounds::FORMATS)?;
        let protocol = name.protos.join("/");
        let secure = protocol.contains("RTP/SAVP");
        let kind = match name.media.as_str() {
            "audio" if secure => Some(Kind::Audio),
            "video" if secure => Some(Kind::Video),
            _ => None,
        };
        let direction = Direction::find(attributes).or_else(|| Direction::find(session));
        let codecs = kind.map(|kind| codec::supported(kind, &name.formats, attributes));
        Ok(Self {
            media: name.media.clone(),
            formats: name.formats.join(" "),
            kind,
            mid: attributes
                .value("mid")
                .filter(|mid| is_tag(mid))
                .map(|mid| Mid(mid.into())),
            live: name.port.value != 0 || attributes.has("bundle-only"),
            direction: direction.unwrap_or(Direction {
                sends: true,
                receives: true,
            }),
            codecs: codecs.unwrap_or_default(),
            extensions: extension::numbers(attributes),
            rids: simulcast(attributes)?,
            ssrcs: sources(attributes)?,
            rtcp_mux: attributes.has("rtcp-mux"),
            rtcp_rsize: attributes.has("rtcp-rsize"),
            protocol,
        })
    }

    /// Live, and in something that this server forwards.
    pub(crate) fn usable(&self) -> Option<(&Mid, Kind)> {
        if !self.live || self.codecs.is_empty() {
            return None;
        }
        Some((self.mid.as_ref()?, self.kind?))
    }
}

/// The encodings of `a=simulcast:send q;h;f` (RFC 8853 §5.1) that `a=rid` declares. Of alternatives the first counts.
fn simulcast(attributes: Attributes<'_>) -> Result<Vec<Rid>, SdpRefused> {
    let declared: HashSet<&str> = attributes
        .values("rid")
        .filter_map(|value| {
            let mut words = value.split_whitespace();
            let (rid, direction) = (words.next()?, words.next()?);
            (direction == "send" && is_tag(rid)).then_some(rid)
        })
        .collect();
    within("encodings in one m-line", declared.len(), bounds::ENCODINGS)?;
    let mut words = attributes
        .value("simulcast")
        .unwrap_or_default()
        .split_whitespace();
    let streams = words
        .by_ref()
        .skip_while(|word| *word != "send")
        .nth(1)
        .unwrap_or_default();
    let count = streams.split(';').count();
    within("simulcast streams in one m-line", count, bounds::ENCODINGS)?;
    let mut seen = HashSet::new();
    Ok(streams
        .split(';')
        .map(|stream| {
            let first = stream.split(',').next().unwrap_or_default();
            first.trim_start_matches('~')
        })
        .filter(|first| declared.contains(first) && seen.insert(*first))
        .take(MAX_LAYERS)
        .map(|rid| Rid(Arc::from(rid)))
        .collect())
}

/// Declared sources (RFC 5576), each with that of its retransmissions.
fn sources(attributes: Attributes<'_>) -> Result<Vec<(Ssrc, Option<Ssrc>)>, SdpRefused> {
    let number = |text: &str| text.parse().ok().map(Ssrc);
    let groups = attributes.values("ssrc-group");
    within("ssrc-groups in one m-line", groups.count(), bounds::GROUPS)?;
    let mut rtx: HashMap<Ssrc, Ssrc> = HashMap::new();
    let mut followers: HashSet<Ssrc> = HashSet::new();
    for value in attributes.values("ssrc-group") {
        let Some((semantics, named)) = value.split_once(' ') else {
            continue;
        };
        let named: Vec<Ssrc> = named.split_whitespace().filter_map(number).collect();
        within("ssrcs in one ssrc-group", named.len(), bounds::SOURCES)?;
        if let ("FID", [primary, repair]) = (semantics, &named[..]) {
            rtx.entry(*primary).or_insert(*repair);
        }
        if matches!(semantics, "FID" | "FEC" | "FEC-FR") {
            followers.extend(named.into_iter().skip(1));
        }
    }
    let mut seen = HashSet::new();
    let sources: Vec<Ssrc> = attributes
        .values("ssrc")
        .filter_map(|value| value.split_whitespace().next().and_then(number))
        .filter(|ssrc| seen.insert(*ssrc))
        .collect();
    within("ssrcs in one m-line", sources.len(), bounds::SOURCES)?;
    let leads = |ssrc: &Ssrc| !followers.contains(ssrc);
    let sources = sources.into_iter().filter(leads);
    Ok(sources
        .map(|ssrc| (ssrc, rtx.get(&ssrc).copied()))
        .collect())
}
