//! An offer, parsed and checked at the border.

use std::collections::HashSet;
use std::io::Cursor;

use rtc_sdp::description::session::SessionDescription;

use super::attributes::Attributes;
use super::bounds::{self, within};
use super::line::Line;
use super::{MAX_LINES, MAX_OFFER, SdpRefused};
use crate::dtls::Fingerprint;
use crate::ice::Credentials;

/// What matters of an offer.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    pub(crate) credentials: Credentials,
    pub(crate) fingerprints: Vec<Fingerprint>,
    /// One- and two-byte header extensions may be mixed (RFC 8285 §6).
    pub(crate) extmap_allow_mixed: bool,
    pub(crate) lines: Vec<Line>,
}

impl Offer {
    pub(crate) fn parse(sdp: &str) -> Result<Self, SdpRefused> {
        let description = describe(sdp)?;
        let session = Attributes(&description.attributes);
        let media = &description.media_descriptions;
        if media.is_empty() {
            return Err(SdpRefused::NoMediaLine);
        }
        if media.len() > MAX_LINES {
            return Err(SdpRefused::TooManyMediaLines {
                count: media.len(),
                limit: MAX_LINES,
            });
        }
        within(
            "attributes of the session",
            session.0.len(),
            bounds::ATTRIBUTES,
        )?;
        let lines: Vec<Line> = media
            .iter()
            .map(|media| Line::read(media, session))
            .collect::<Result<_, _>>()?;
        check_names(&lines)?;
        if session.has("ice-lite") {
            return Err(SdpRefused::IceLite);
        }
        check_bundle(&lines, session)?;
        let Some(carrier) = lines.iter().position(|line| line.usable().is_some()) else {
            let any = lines.iter().any(|line| line.live && line.kind.is_some());
            return Err(if any {
                SdpRefused::NoSupportedCodec
            } else {
                SdpRefused::NoMediaLine
            });
        };
        // All lines share the transport of the first; what it leaves out, the session says.
        let levels = [Attributes(&media[carrier].attributes), session];
        let first = |key| levels.iter().find_map(|level| level.value(key));
        if first("setup") == Some("passive") {
            return Err(SdpRefused::SetupPassive);
        }
        let credentials = first("ice-ufrag").zip(first("ice-pwd"));
        let fingerprints = levels
            .iter()
            .map(|level| {
                level
                    .values("fingerprint")
                    .filter_map(Fingerprint::parse)
                    .collect()
            })
            .find(|found: &Vec<_>| !found.is_empty());
        let fingerprints = fingerprints.ok_or(SdpRefused::NoFingerprint)?;
        within("fingerprints", fingerprints.len(), bounds::FINGERPRINTS)?;
        Ok(Self {
            credentials: credentials
                .and_then(|(ufrag, pwd)| Credentials::new(ufrag, pwd))
                .ok_or(SdpRefused::NoIceCredentials)?,
            fingerprints,
            extmap_allow_mixed: levels.iter().any(|level| level.has("extmap-allow-mixed")),
            lines,
        })
    }
}

fn describe(sdp: &str) -> Result<SessionDescription, SdpRefused> {
    if sdp.len() > MAX_OFFER {
        return Err(SdpRefused::TooLarge {
            bytes: sdp.len(),
            limit: MAX_OFFER,
        });
    }
    let odd = |c: char| c.is_control() && !matches!(c, '\r' | '\n' | '\t');
    if sdp.contains(odd) || sdp.split('\r').skip(1).any(|rest| !rest.starts_with('\n')) {
        return Err(SdpRefused::NotSdp("it contains control characters"));
    }
    // The library's error repeats the line; a refusal may be logged, so it does not.
    SessionDescription::unmarshal(&mut Cursor::new(sdp.as_bytes()))
        .map_err(|_| SdpRefused::NotSdp("a line is malformed or out of place"))
}

fn check_names(lines: &[Line]) -> Result<(), SdpRefused> {
    let mut seen = HashSet::new();
    for (index, line) in lines.iter().enumerate() {
        match &line.mid {
            Some(mid) if !seen.insert(mid) => {
                return Err(SdpRefused::DuplicateMid {
                    mid: mid.0.to_string(),
                });
            }
            None if line.live => return Err(SdpRefused::NoMid { index }),
            _ => {}
        }
    }
    Ok(())
}

fn check_bundle(lines: &[Line], session: Attributes<'_>) -> Result<(), SdpRefused> {
    let bundled: HashSet<&str> = session
        .values("group")
        .filter_map(|group| group.strip_prefix("BUNDLE"))
        .flat_map(str::split_whitespace)
        .collect();
    for line in lines {
        let Some((mid, _)) = line.usable() else {
            continue;
        };
        if !bundled.contains(&*mid.0) {
            return Err(SdpRefused::NoBundle);
        }
        if !line.rtcp_mux {
            return Err(SdpRefused::NoRtcpMux {
                mid: mid.0.to_string(),
            });
        }
    }
    Ok(())
}
