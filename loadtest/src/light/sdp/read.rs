//! What the other side says of itself.

use std::io::Cursor;
use std::net::{IpAddr, SocketAddr};

use rtc::sdp::SessionDescription;
use rtc::sdp::description::common::Attribute;
use rtc::sdp::description::media::MediaDescription;

use super::{
    AUDIO_LEVEL, Extensions, MID, REPAIRED_RID, RID, Remote, RemoteLine, SdpUnusable, TRANSPORT_CC,
};
use crate::light::ice::Credentials;
use crate::tally::Kind;

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

impl Extensions {
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
