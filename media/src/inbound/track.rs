//! One m-line on which a peer sends to us.

use std::time::{Duration, Instant};

use super::stream::Stream;
use crate::codecs;
use crate::seam::{
    Burst, Codec, CodecSpec, Layer, MAX_LAYERS, Packet, PayloadType, Rates, TrackSpec,
};

/// The rates that bursts tell are measured this often.
const RATE_PAUSE: Duration = Duration::from_millis(250);

/// A track and its layers.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) spec: TrackSpec,
    /// One per rid, in their order; one without simulcast.
    pub(super) streams: Vec<Stream>,
    /// What came since the last burst.
    pub(super) pending: Vec<Packet>,
    /// What the layers take, as bursts tell it.
    rates: Rates,
    rated: Instant,
}

/// How a key frame may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyframeFeedback {
    PictureLoss,
    FullIntra,
}

impl Track {
    pub(super) fn new(spec: TrackSpec, zero: Instant) -> Self {
        let mut track = Self {
            spec,
            streams: Vec::new(),
            pending: Vec::new(),
            rates: Rates::default(),
            rated: zero,
        };
        track.fit_streams(zero);
        track.take_declared();
        track
    }

    /// Negotiated again: layers that stay go on undisturbed.
    pub(super) fn renegotiate(&mut self, spec: TrackSpec, zero: Instant) {
        let anew = spec.rids != self.spec.rids;
        if anew {
            self.streams.clear();
        }
        let declared = spec.ssrcs != self.spec.ssrcs;
        self.spec = spec;
        self.fit_streams(zero);
        // What packets said of themselves meanwhile is truer than the same declaration once more.
        if anew || declared {
            self.take_declared();
        }
    }

    /// What came since, as a burst; `None` if nothing did.
    pub(super) fn burst(&mut self) -> Option<Burst> {
        let now = self.pending.last()?.arrival;
        if now.saturating_duration_since(self.rated) >= RATE_PAUSE {
            self.rated = now;
            let layers = match self.streams.as_slice() {
                // The spatial layers of the one encoding.
                [only] => only.scalability.as_ref().and_then(|svc| svc.kbps(now)),
                _ => None,
            };
            if let Some(layers) = layers {
                let rates = self.rates.iter_mut().zip(layers);
                rates.for_each(|(known, layer)| *known = follow(*known, layer));
            } else {
                let rates = self.rates.iter_mut().zip(&self.streams);
                rates.for_each(|(known, stream)| *known = follow(*known, stream.kbps(now)));
            }
        }
        Some(Burst::new(self.pending.drain(..).collect(), self.rates))
    }

    /// What this payload type stands for, and whether it is a retransmission of that.
    pub(super) fn codec(&self, pt: PayloadType) -> Option<(CodecSpec, bool)> {
        self.spec.codecs.iter().find_map(|spec| {
            if spec.pt == pt {
                Some((*spec, false))
            } else {
                (spec.rtx == Some(pt)).then_some((*spec, true))
            }
        })
    }

    /// How the publisher understands to be asked for a key frame; `None` for sound.
    pub(super) fn keyframe_feedback(&self) -> Option<KeyframeFeedback> {
        let mut video = self.spec.codecs.iter().filter(|spec| is_video(spec.codec));
        let any = |of: fn(&CodecSpec) -> bool| video.clone().any(of);
        if any(|spec| spec.feedback.pli) {
            Some(KeyframeFeedback::PictureLoss)
        } else {
            video
                .any(|spec| spec.feedback.fir)
                .then_some(KeyframeFeedback::FullIntra)
        }
    }

    fn fit_streams(&mut self, zero: Instant) {
        let layers = self.spec.rids.len().clamp(1, MAX_LAYERS);
        for layer in (0u8..).take(layers).skip(self.streams.len()) {
            self.streams
                .push(Stream::new(self.spec.id, Layer(layer), zero));
        }
    }

    fn take_declared(&mut self) {
        for (stream, &(media, rtx)) in self.streams.iter_mut().zip(&self.spec.ssrcs) {
            stream.set_media(media);
            stream.rtx = rtx.or(stream.rtx);
        }
    }
}

/// A rate that rises is believed at once, one that falls slowly: a picture that stands still moves again. One that
/// is not sent keeps its figure.
fn follow(known: u16, measured: u16) -> u16 {
    match measured {
        0 => known,
        measured if measured >= known => measured,
        measured => known - (known - measured) / 8,
    }
}

fn is_video(codec: Codec) -> bool {
    codecs::clock_rate(codec) == 90_000
}
