//! Why an offer cannot be answered.

use crate::seam::Kind;

/// A reason to refuse an offer: a stable [`code`](Self::code) for programs, which stands before each, and a sentence
/// for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SdpRefused {
    /// `sdp-too-large`: Larger than any sensible offer.
    #[error("the offer is {bytes} bytes long (at most {limit})")]
    TooLarge {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        limit: usize,
    },
    /// `sdp-invalid`: No session description.
    #[error("the offer is not a session description: {0}")]
    NotSdp(&'static str),
    /// `sdp-too-many-media-lines`: Too many m-lines.
    #[error("the offer has {count} m-lines (at most {limit})")]
    TooManyMediaLines {
        /// How many it has.
        count: usize,
        /// How many it may have.
        limit: usize,
    },
    /// `sdp-too-many`: More of something than any browser writes; reading it could take for ever.
    #[error("the offer has {count} {what} (at most {limit})")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many it has.
        count: usize,
        /// How many it may have.
        limit: usize,
    },
    /// `sdp-too-many-slots`: More m-lines on which the client receives than one client may have.
    #[error("the offer has {count} {} slots (at most {limit})", word(*.kind))]
    TooManySlots {
        /// Of which kind.
        kind: Kind,
        /// How many it has.
        count: usize,
        /// How many it may have.
        limit: usize,
    },
    /// `sdp-too-many-tracks`: `publish` names more m-lines than one client may publish.
    #[error("{count} {} tracks are published (at most {limit})", word(*.kind))]
    TooManyTracks {
        /// Of which kind.
        kind: Kind,
        /// How many it has.
        count: usize,
        /// How many it may have.
        limit: usize,
    },
    /// `sdp-no-media-line`: No m-line that could carry anything.
    #[error("the offer has no m-line")]
    NoMediaLine,
    /// `sdp-no-mid`: An m-line without `a=mid`, or a `mid` that cannot be one.
    #[error("m-line {index} has no usable a=mid")]
    NoMid {
        /// Which, from 0.
        index: usize,
    },
    /// `sdp-duplicate-mid`: Two m-lines with one name.
    #[error("two m-lines are called {mid}")]
    DuplicateMid {
        /// The name.
        mid: String,
    },
    /// `sdp-no-bundle`: Everything travels over one transport here.
    #[error("the offer does not bundle its m-lines (a=group:BUNDLE with every mid is needed)")]
    NoBundle,
    /// `sdp-no-rtcp-mux`: RTP and RTCP share that transport.
    #[error("m-line {mid} does not offer a=rtcp-mux")]
    NoRtcpMux {
        /// The m-line.
        mid: String,
    },
    /// `sdp-no-ice-credentials`: ICE needs both.
    #[error("the offer has no usable a=ice-ufrag and a=ice-pwd")]
    NoIceCredentials,
    /// `sdp-ice-lite`: One of both ends has to check paths.
    #[error("the offer is of an ICE-lite agent, and so is the server")]
    IceLite,
    /// `sdp-no-fingerprint`: Nothing to check the peer's certificate against.
    #[error("the offer has no a=fingerprint of a supported hash (sha-256, sha-384 or sha-512)")]
    NoFingerprint,
    /// `sdp-setup-passive`: The server is the DTLS server.
    #[error("the offer insists on a=setup:passive (the server needs actpass or active)")]
    SetupPassive,
    /// `sdp-no-supported-codec`: Nothing that both ends understand.
    #[error("no m-line offers a supported codec (opus, VP8, VP9, H264, AV1)")]
    NoSupportedCodec,
    /// `sdp-published-unknown`: `publish` names an m-line that the offer does not have.
    #[error("published mid {mid} is not an m-line of the offer")]
    PublishedUnknown {
        /// The name.
        mid: String,
    },
    /// `sdp-published-twice`: `publish` names one m-line twice.
    #[error("mid {mid} is published twice")]
    PublishedTwice {
        /// The name.
        mid: String,
    },
    /// `sdp-published-not-sending`: `publish` names an m-line on which the client does not send.
    #[error("published mid {mid} does not send, or offers no supported codec")]
    PublishedNotSending {
        /// The m-line.
        mid: String,
    },
    /// `sdp-published-wrong-kind`: `publish` names an audio source on a video m-line or the other way round.
    #[error("published mid {mid} has another kind of media than its source")]
    PublishedWrongKind {
        /// The m-line.
        mid: String,
    },
    /// `sdp-media-lines-changed`: A re-offer must keep the m-lines it had, in their order (RFC 3264 §8).
    #[error("the offer drops, reorders or renames m-lines of the one before")]
    MediaLinesChanged,
    /// `sdp-fingerprint-changed`: A re-offer must be from the same peer: DTLS does not start anew.
    #[error("the offer has another a=fingerprint than the one before")]
    FingerprintChanged,
    /// `peer-closed`: The connection is over.
    #[error("the connection is closed")]
    Closed,
}

impl SdpRefused {
    /// Stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "sdp-too-large",
            Self::NotSdp(_) => "sdp-invalid",
            Self::TooManyMediaLines { .. } => "sdp-too-many-media-lines",
            Self::TooMany { .. } => "sdp-too-many",
            Self::TooManySlots { .. } => "sdp-too-many-slots",
            Self::TooManyTracks { .. } => "sdp-too-many-tracks",
            Self::NoMediaLine => "sdp-no-media-line",
            Self::NoMid { .. } => "sdp-no-mid",
            Self::DuplicateMid { .. } => "sdp-duplicate-mid",
            Self::NoBundle => "sdp-no-bundle",
            Self::NoRtcpMux { .. } => "sdp-no-rtcp-mux",
            Self::NoIceCredentials => "sdp-no-ice-credentials",
            Self::IceLite => "sdp-ice-lite",
            Self::NoFingerprint => "sdp-no-fingerprint",
            Self::SetupPassive => "sdp-setup-passive",
            Self::NoSupportedCodec => "sdp-no-supported-codec",
            Self::PublishedUnknown { .. } => "sdp-published-unknown",
            Self::PublishedTwice { .. } => "sdp-published-twice",
            Self::PublishedNotSending { .. } => "sdp-published-not-sending",
            Self::PublishedWrongKind { .. } => "sdp-published-wrong-kind",
            Self::MediaLinesChanged => "sdp-media-lines-changed",
            Self::FingerprintChanged => "sdp-fingerprint-changed",
            Self::Closed => "peer-closed",
        }
    }
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Audio => "audio",
        Kind::Video => "video",
    }
}
