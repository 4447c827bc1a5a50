//! Codecs of an m-line: which of those on offer this server forwards, and with which feedback.

use std::collections::{HashMap, HashSet};

use super::attributes::Attributes;
use crate::seam::{Codec, CodecSpec, Feedback, Kind, PayloadType};

/// A supported codec, as the offer describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OfferedCodec {
    /// What the engine needs to know.
    pub(crate) spec: CodecSpec,
    /// `VP8/90000`
    pub(crate) encoding: String,
    /// Its format parameters, as offered.
    pub(crate) parameters: Option<String>,
    /// Feedback that both ends support.
    pub(crate) feedback: Vec<&'static str>,
}

/// Feedback that this server gives or takes.
const FEEDBACK: [&str; 4] = ["nack", "nack pli", "ccm fir", "transport-cc"];

/// Most codecs of one m-line; browsers offer about twenty.
const MAX_CODECS: usize = 48;

/// The supported codecs of an m-line, in the offer's order.
pub(super) fn supported(
    kind: Kind,
    formats: &[String],
    attributes: Attributes<'_>,
) -> Vec<OfferedCodec> {
    let told = Told::by(attributes);
    let mut seen = HashSet::new();
    let described: Vec<Described<'_>> = formats
        .iter()
        .filter_map(|format| payload_type(format))
        .filter(|pt| seen.insert(*pt))
        .filter_map(|pt| told.describe(pt))
        .collect();
    let retransmissions = retransmissions(&described);
    let mut codecs: Vec<OfferedCodec> = described
        .iter()
        .filter_map(|format| {
            let rtx = retransmissions.get(&format.pt).copied();
            Some(format.offered(format.codec(kind)?, rtx, told.feedback(format.pt)))
        })
        .take(MAX_CODECS)
        .collect();
    // RED is Opus in another envelope: of no use without it.
    let opus: HashSet<PayloadType> = codecs
        .iter()
        .filter(|it| it.spec.codec == Codec::Opus)
        .map(|it| it.spec.pt)
        .collect();
    codecs.retain(|codec| {
        codec.spec.codec != Codec::Red || codec.red_of().is_some_and(|pt| opus.contains(&pt))
    });
    codecs
}

/// RTP and RTCP share a path: a marked packet of types 64 to 95 would look like RTCP (RFC 5761 §4).
fn payload_type(text: &str) -> Option<PayloadType> {
    let usable = |pt: &u8| matches!(pt, 0..64 | 96..128);
    text.parse().ok().filter(usable).map(PayloadType)
}

/// Which format carries the retransmissions of which (RFC 4588 §8.6).
fn retransmissions(formats: &[Described<'_>]) -> HashMap<PayloadType, PayloadType> {
    let mut found = HashMap::new();
    for format in formats {
        if format.encoding.eq_ignore_ascii_case("rtx/90000")
            && let Some(repaired) = format.parameter("apt").and_then(payload_type)
        {
            found.entry(repaired).or_insert(format.pt);
        }
    }
    found
}

impl OfferedCodec {
    /// The payload type of the blocks in a RED packet: `111/111` (RFC 2198 §5).
    fn red_of(&self) -> Option<PayloadType> {
        payload_type(self.parameters.as_deref()?.split('/').next()?)
    }
}

/// All that the attributes of an m-line say of its formats, read once: an offer may name any number of either.
struct Told<'a> {
    rtpmaps: HashMap<PayloadType, &'a str>,
    fmtps: HashMap<PayloadType, &'a str>,
    feedback: HashMap<PayloadType, Kinds>,
    feedback_of_all: Kinds,
}

/// Which kinds of [`FEEDBACK`] are on offer.
type Kinds = [bool; FEEDBACK.len()];

impl<'a> Told<'a> {
    fn by(attributes: Attributes<'a>) -> Self {
        let of = |key| {
            let mut found = HashMap::new();
            for (format, rest) in attributes
                .values(key)
                .filter_map(|value| value.split_once(' '))
            {
                if let Some(pt) = payload_type(format) {
                    found.entry(pt).or_insert(rest.trim());
                }
            }
            found
        };
        let mut told = Self {
            rtpmaps: of("rtpmap"),
            fmtps: of("fmtp"),
            feedback: HashMap::new(),
            feedback_of_all: Kinds::default(),
        };
        for (format, kind) in attributes
            .values("rtcp-fb")
            .filter_map(|value| value.split_once(' '))
        {
            let Some(kind) = FEEDBACK.iter().position(|known| same_words(known, kind)) else {
                continue;
            };
            if format == "*" {
                told.feedback_of_all[kind] = true;
            } else if let Some(pt) = payload_type(format) {
                told.feedback.entry(pt).or_default()[kind] = true;
            }
        }
        told
    }

    /// A format without an encoding is one of RFC 3551's own, of which none is supported.
    fn describe(&self, pt: PayloadType) -> Option<Described<'a>> {
        Some(Described {
            pt,
            encoding: self.rtpmaps.get(&pt)?,
            parameters: self.fmtps.get(&pt).copied(),
        })
    }

    fn feedback(&self, pt: PayloadType) -> Vec<&'static str> {
        let own = self.feedback.get(&pt).copied().unwrap_or_default();
        let offered = own.iter().zip(self.feedback_of_all);
        FEEDBACK
            .into_iter()
            .zip(offered)
            .filter_map(|(kind, (own, all))| (*own || all).then_some(kind))
            .collect()
    }
}

fn same_words(one: &str, other: &str) -> bool {
    one.split_whitespace().eq(other.split_whitespace())
}

/// One format of an m-line with what its attributes say.
struct Described<'a> {
    pt: PayloadType,
    encoding: &'a str,
    parameters: Option<&'a str>,
}

impl<'a> Described<'a> {
    fn parameter(&self, name: &str) -> Option<&'a str> {
        self.parameters?.split(';').find_map(|parameter| {
            let (key, value) = parameter.split_once('=')?;
            key.trim()
                .eq_ignore_ascii_case(name)
                .then_some(value.trim())
        })
    }

    /// Which supported codec this is.
    fn codec(&self, kind: Kind) -> Option<Codec> {
        let encoding = self.encoding.to_ascii_lowercase();
        match (kind, encoding.as_str()) {
            (Kind::Audio, "opus/48000/2") => Some(Codec::Opus),
            (Kind::Audio, "red/48000/2") => Some(Codec::Red),
            (Kind::Video, "vp8/90000") => Some(Codec::Vp8),
            (Kind::Video, "vp9/90000") => {
                let profile = self
                    .parameter("profile-id")
                    .map_or(Some(0), |id| id.parse().ok())?;
                matches!(profile, 0 | 2).then_some(Codec::Vp9 { profile })
            }
            (Kind::Video, "h264/90000") => {
                let level_id = self.parameter("profile-level-id").unwrap_or("420010");
                let profile = u8::from_str_radix(level_id.get(..2)?, 16).ok()?;
                let mode = self
                    .parameter("packetization-mode")
                    .map_or(Ok(0), str::parse)
                    .ok()?;
                matches!(mode, 0 | 1).then_some(Codec::H264 { profile, mode })
            }
            (Kind::Video, "av1/90000") => {
                let profile = self.parameter("profile").unwrap_or("0");
                (profile == "0").then_some(Codec::Av1)
            }
            _ => None,
        }
    }

    fn offered(
        &self,
        codec: Codec,
        rtx: Option<PayloadType>,
        feedback: Vec<&'static str>,
    ) -> OfferedCodec {
        let has = |name| feedback.contains(&name);
        let spec = CodecSpec {
            codec,
            pt: self.pt,
            rtx,
            feedback: Feedback {
                nack: has("nack"),
                pli: has("nack pli"),
                fir: has("ccm fir"),
            },
        };
        OfferedCodec {
            spec,
            encoding: self.encoding.to_owned(),
            parameters: self.parameters.map(str::to_owned),
            feedback,
        }
    }
}
