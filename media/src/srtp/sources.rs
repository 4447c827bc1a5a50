//! The sources of one direction, and which of their packets were seen or sealed.

use super::SrtpError;
use super::index::index_of;
use crate::cache;
use crate::rtp::Window;

/// Most sources: two for every m-line, with room for those of old m-lines. Only authentic packets make new ones, so a peer can
/// only lock out itself.
const MOST: usize = 512;

/// Which packet indexes were seen (RFC 3711 §3.3.2): a second of 10 Mbit/s video.
type Seen = Window<16>;

/// A window for each source. A peer has a handful, so they are looked through: less memory is touched than by hashing.
#[derive(Default)]
pub(super) struct Sources {
    ssrcs: Vec<u32>,
    windows: Vec<Seen>,
}

/// A packet that was neither seen nor sealed before.
#[derive(Debug)]
pub(super) struct Admitted {
    ssrc: u32,
    index: u64,
    /// `None` for a source that was not there before.
    place: Option<usize>,
}

impl Admitted {
    /// The packet's index.
    pub(super) fn index(&self) -> u64 {
        self.index
    }
}

impl Sources {
    /// Takes a packet in that is to be [marked](Self::mark) once it proved authentic.
    ///
    /// # Errors
    ///
    /// It was marked before or is too far back to know, or it is of one source too many.
    pub(super) fn admit(&self, ssrc: u32, index: u64) -> Result<Admitted, SrtpError> {
        self.admit_at(self.place(ssrc), ssrc, index)
    }

    /// The same of a packet of which only the lower half of the index is known.
    ///
    /// # Errors
    ///
    /// As with [`admit`](Self::admit).
    pub(super) fn admit_sequence(&self, ssrc: u32, seq: u16) -> Result<Admitted, SrtpError> {
        let place = self.place(ssrc);
        let index = match place.and_then(|at| self.windows[at].highest()) {
            Some(newest) => index_of(newest, seq).ok_or(SrtpError::Replayed)?,
            None => seq.into(),
        };
        self.admit_at(place, ssrc, index)
    }

    fn admit_at(&self, place: Option<usize>, ssrc: u32, index: u64) -> Result<Admitted, SrtpError> {
        match place {
            Some(at) if !self.windows[at].admits(index) => Err(SrtpError::Replayed),
            None if self.ssrcs.len() >= MOST => Err(SrtpError::TooManySources(MOST)),
            _ => Ok(Admitted { ssrc, index, place }),
        }
    }

    /// The packet counts as seen from now on.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "it is used up: nothing is marked twice"
    )]
    pub(super) fn mark(&mut self, admitted: Admitted) {
        let Admitted { ssrc, index, place } = admitted;
        let at = place.unwrap_or_else(|| {
            self.ssrcs.push(ssrc);
            self.windows.push(Seen::default());
            self.ssrcs.len() - 1
        });
        self.windows[at].mark(index);
    }

    fn place(&self, ssrc: u32) -> Option<usize> {
        self.ssrcs.iter().position(|&known| known == ssrc)
    }

    /// A packet of this source will be admitted soon.
    pub(super) fn fetch_behind(&self, ssrc: u32) {
        if let Some(at) = self.place(ssrc) {
            cache::fetch(&self.windows[at]);
        }
    }
}
