//! Whose packet this is: by its SSRC, and for an SSRC not seen before by what the packet says of itself
//! (RFC 8843 §9.2, RFC 8852 §4.2).

use foldhash::HashMap;

use super::track::Track;
use crate::rtp::RtpView;
use crate::seam::{Rid, Ssrc};

/// A layer of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) track: usize,
    pub(super) stream: usize,
}

/// The SSRCs that are known. Bounded: a layer has one for media and one for retransmissions, a newer one takes its place.
#[derive(Debug, Default)]
pub(super) struct Demux {
    known: HashMap<Ssrc, Place>,
}

impl Demux {
    /// Everything that these tracks know already.
    pub(super) fn of(tracks: &[Track]) -> Self {
        let mut known = HashMap::default();
        for (track, t) in tracks.iter().enumerate() {
            for (stream, s) in t.streams.iter().enumerate() {
                let ssrcs = s.media.into_iter().chain(s.rtx);
                known.extend(ssrcs.map(|ssrc| (ssrc, Place { track, stream })));
            }
        }
        Self { known }
    }

    /// Where packets of this SSRC belong.
    pub(super) fn find(&self, ssrc: Ssrc) -> Option<Place> {
        self.known.get(&ssrc).copied()
    }

    /// Where this packet belongs; learns its SSRC.
    pub(super) fn place(&mut self, view: &RtpView<'_>, tracks: &mut [Track]) -> Option<Place> {
        if let Some(place) = self.find(view.ssrc) {
            return Some(place);
        }
        let place = described(view, tracks)?;
        let track = &mut tracks[place.track];
        let (_, repairs) = track.codec(view.pt)?;
        let stream = &mut track.streams[place.stream];
        let before = if repairs {
            stream.rtx.replace(view.ssrc)
        } else {
            stream.set_media(view.ssrc)
        };
        if let Some(before) = before {
            self.known.remove(&before);
        }
        self.known.insert(view.ssrc, place);
        Some(place)
    }
}

/// Reads mid, rid and repaired-rid; without a mid, a payload type that only one m-line has will do.
fn described(view: &RtpView<'_>, tracks: &[Track]) -> Option<Place> {
    let named = |track: &Track| {
        let mid = view.extensions.get(track.spec.extensions.mid);
        mid.is_some_and(|mid| mid == track.spec.mid.0.as_bytes())
    };
    let track = tracks.iter().position(named).or_else(|| {
        let mut candidates = tracks.iter().enumerate().filter(|(_, track)| {
            view.extensions.get(track.spec.extensions.mid).is_none()
                && track.codec(view.pt).is_some()
        });
        let (only, _) = candidates.next()?;
        candidates.next().is_none().then_some(only)
    })?;
    Some(Place {
        track,
        stream: layer(view, &tracks[track])?,
    })
}

fn layer(view: &RtpView<'_>, track: &Track) -> Option<usize> {
    let rids: &[Rid] = &track.spec.rids;
    if rids.is_empty() {
        return Some(0);
    }
    let ids = track.spec.extensions;
    let rid = view
        .extensions
        .get(ids.rid)
        .or_else(|| view.extensions.get(ids.repaired_rid))?;
    let layer = rids.iter().position(|known| known.0.as_bytes() == rid)?;
    (layer < track.streams.len()).then_some(layer)
}
