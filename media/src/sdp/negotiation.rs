//! What was agreed on with one peer, over all its offers.

use std::collections::HashMap;

use calls_model::Source;
use calls_model::signal::PublishedMid;
use rand::RngExt;

use super::extension::outbound;
use super::line::{Direction, Line};
use super::{Offer, SdpRefused};
use crate::dtls::Fingerprint;
use crate::peer::PeerLimits;
use crate::seam::{Kind, Mid, PeerId, SlotSpec, Ssrc, TrackId, TrackSpec};

/// Agreements of one peer. A refused offer leaves them as they were.
#[derive(Debug, Clone)]
pub(crate) struct Negotiation {
    peer: PeerId,
    limits: PeerLimits,
    next_track: u32,
    lines: Vec<KnownLine>,
    tracks: HashMap<Mid, (TrackId, Source)>,
    /// A slot keeps its SSRCs for good, even while its line rests.
    slots: HashMap<Mid, (Ssrc, Ssrc)>,
    fingerprints: Vec<Fingerprint>,
}

/// An m-line of the offer before.
#[derive(Debug, Clone)]
struct KnownLine {
    mid: Option<Mid>,
    media: String,
    live: bool,
}

/// What an offer came to.
#[derive(Debug, Clone)]
pub(crate) struct Agreement {
    /// One for each m-line; `None` is a rejection.
    pub(crate) lines: Vec<Option<AgreedLine>>,
    pub(crate) tracks: Vec<TrackSpec>,
    pub(crate) ended: Vec<TrackId>,
    pub(crate) slots: Vec<SlotSpec>,
}

/// What becomes of one accepted m-line.
#[derive(Debug, Clone)]
pub(crate) struct AgreedLine {
    pub(crate) mid: Mid,
    /// As the server sees it.
    pub(crate) direction: Direction,
    /// SSRC and retransmission SSRC of what the server sends here.
    pub(crate) slot: Option<(Ssrc, Option<Ssrc>)>,
}

impl Negotiation {
    pub(crate) fn new(peer: PeerId, limits: PeerLimits) -> Self {
        Self {
            peer,
            limits,
            next_track: 0,
            lines: Vec::new(),
            tracks: HashMap::new(),
            slots: HashMap::new(),
            fingerprints: Vec::new(),
        }
    }

    /// Decides on every m-line of an offer.
    pub(crate) fn agree(
        &mut self,
        offer: &Offer,
        publish: &[PublishedMid],
    ) -> Result<Agreement, SdpRefused> {
        self.check_continuity(offer)?;
        let sources = sources(offer, publish)?;
        self.check_limits(offer, &sources)?;
        let mut agreement = Agreement {
            lines: vec![],
            tracks: vec![],
            ended: vec![],
            slots: vec![],
        };
        let mut tracks = HashMap::new();
        for line in &offer.lines {
            let agreed = line.usable().map(|(mid, kind)| {
                let source = sources.get(mid).copied();
                if let Some(source) = source {
                    let id = self.track(mid, source);
                    tracks.insert(mid.clone(), (id, source));
                    agreement.tracks.push(track(line, mid, kind, id, source));
                }
                let slot = line.direction.receives.then(|| self.slot(line, mid, kind));
                let ssrcs = slot.as_ref().map(|slot| (slot.ssrc, slot.rtx_ssrc));
                agreement.slots.extend(slot);
                AgreedLine {
                    mid: mid.clone(),
                    direction: Direction {
                        sends: ssrcs.is_some(),
                        receives: source.is_some(),
                    },
                    slot: ssrcs,
                }
            });
            agreement.lines.push(agreed);
        }
        let still: Vec<TrackId> = tracks.values().map(|(id, _)| *id).collect();
        agreement.ended = self
            .tracks
            .values()
            .map(|(id, _)| *id)
            .filter(|id| !still.contains(id))
            .collect();
        agreement.ended.sort_unstable();
        self.tracks = tracks;
        // Nobody uses a name again once its m-line has another: a client that takes ever new ones fills no table.
        let named = |mid: &Mid| {
            offer
                .lines
                .iter()
                .any(|line| line.mid.as_ref() == Some(mid))
        };
        self.slots.retain(|mid, _| named(mid));
        self.fingerprints.clone_from(&offer.fingerprints);
        self.lines = offer
            .lines
            .iter()
            .map(|line| KnownLine {
                mid: line.mid.clone(),
                media: line.media.clone(),
                live: line.usable().is_some(),
            })
            .collect();
        Ok(agreement)
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.slots.len()
    }

    /// A re-offer comes from the same peer and keeps its m-lines (RFC 3264 §8, RFC 8829 §5.2.2).
    fn check_continuity(&self, offer: &Offer) -> Result<(), SdpRefused> {
        if !self.fingerprints.is_empty() && self.fingerprints != offer.fingerprints {
            return Err(SdpRefused::FingerprintChanged);
        }
        let shorter = offer.lines.len() < self.lines.len();
        let changed = self.lines.iter().zip(&offer.lines).any(|(old, new)| {
            old.live && new.live && (old.mid != new.mid || old.media != new.media)
        });
        if shorter || changed {
            Err(SdpRefused::MediaLinesChanged)
        } else {
            Ok(())
        }
    }

    /// What a client was told that it may have.
    fn check_limits(
        &self,
        offer: &Offer,
        sources: &HashMap<Mid, Source>,
    ) -> Result<(), SdpRefused> {
        for kind in [Kind::Audio, Kind::Video] {
            let of_kind = offer.lines.iter().filter_map(|line| {
                let (mid, it) = line.usable()?;
                (it == kind).then_some((line, mid))
            });
            let receiving = |(line, _): &(&Line, &Mid)| line.direction.receives;
            let count = of_kind.clone().filter(receiving).count();
            let limit = self.limits.slots(kind);
            if count > limit {
                return Err(SdpRefused::TooManySlots { kind, count, limit });
            }
            let count = of_kind
                .filter(|(_, mid)| sources.contains_key(*mid))
                .count();
            let limit = self.limits.tracks(kind);
            if count > limit {
                return Err(SdpRefused::TooManyTracks { kind, count, limit });
            }
        }
        Ok(())
    }

    /// The id of a track: that of before if its line still carries the same source.
    fn track(&mut self, mid: &Mid, source: Source) -> TrackId {
        if let Some((id, before)) = self.tracks.get(mid)
            && *before == source
        {
            return *id;
        }
        let index = self.next_track;
        self.next_track += 1;
        TrackId {
            peer: self.peer,
            index,
        }
    }

    fn slot(&mut self, line: &Line, mid: &Mid, kind: Kind) -> SlotSpec {
        let (ssrc, rtx) = self.ssrcs(mid);
        let codecs: Vec<_> = line.codecs.iter().map(|codec| codec.spec).collect();
        SlotSpec {
            mid: mid.clone(),
            kind,
            ssrc,
            rtx_ssrc: codecs
                .iter()
                .any(|codec| codec.rtx.is_some())
                .then_some(rtx),
            codecs,
            extensions: outbound(line.extensions),
        }
    }

    fn ssrcs(&mut self, mid: &Mid) -> (Ssrc, Ssrc) {
        if let Some(ssrcs) = self.slots.get(mid) {
            return *ssrcs;
        }
        let taken: Vec<Ssrc> = self
            .slots
            .values()
            .flat_map(|(ssrc, rtx)| [*ssrc, *rtx])
            .collect();
        let mut rng = rand::rng();
        let mut fresh = |not: &[Ssrc]| loop {
            let ssrc = Ssrc(rng.random_range(1..u32::MAX));
            if !taken.contains(&ssrc) && !not.contains(&ssrc) {
                return ssrc;
            }
        };
        let ssrc = fresh(&[]);
        let pair = (ssrc, fresh(&[ssrc]));
        self.slots.insert(mid.clone(), pair);
        pair
    }
}

fn track(line: &Line, mid: &Mid, kind: Kind, id: TrackId, source: Source) -> TrackSpec {
    TrackSpec {
        id,
        mid: mid.clone(),
        source,
        kind,
        codecs: line.codecs.iter().map(|codec| codec.spec).collect(),
        rids: line.rids.clone(),
        ssrcs: line.ssrcs.clone(),
        extensions: line.extensions,
    }
}

/// Checks `publish` against the offer.
fn sources(offer: &Offer, publish: &[PublishedMid]) -> Result<HashMap<Mid, Source>, SdpRefused> {
    let mut sources = HashMap::new();
    for PublishedMid { mid, source } in publish {
        let line = offer
            .lines
            .iter()
            .find(|line| line.mid.as_ref().is_some_and(|it| *it.0 == **mid))
            .ok_or_else(|| SdpRefused::PublishedUnknown { mid: mid.clone() })?;
        let (name, kind) = line
            .usable()
            .filter(|_| line.direction.sends)
            .ok_or_else(|| SdpRefused::PublishedNotSending { mid: mid.clone() })?;
        if (kind == Kind::Audio) != source.is_audio() {
            return Err(SdpRefused::PublishedWrongKind { mid: mid.clone() });
        }
        if sources.insert(name.clone(), *source).is_some() {
            return Err(SdpRefused::PublishedTwice { mid: mid.clone() });
        }
    }
    Ok(sources)
}
