//! The sources of one direction, and which of their packets were seen or sealed.

use super::SrtpError;
use super::window::Window;
use crate::cache;

/// Most sources: two for every m-line, with room for those of old m-lines. Only authentic packets make new ones, so a peer can
/// only lock out itself.
const MOST: usize = 512;

/// A window for each source. A peer has a handful, so they are looked through: less memory is touched than by hashing.
#[derive(Default)]
pub(super) struct Sources {
    ssrcs: Vec<u32>,
    windows: Vec<Window>,
}

/// A packet that was neither seen nor sealed before.
#[derive(Debug)]
pub(super) struct Admitted {
    ssrc: u32,
    index: u64,
    /// `None` for a source that was not there before.
    place: Option<usize>,
}

impl Sources {
    /// Which of its packets came; `None` before the first.
    pub(super) fn window(&self, ssrc: u32) -> Option<&Window> {
        self.windows.get(self.place(ssrc)?)
    }

    /// Takes a packet in that is to be [marked](Self::mark) once it proved authentic.
    ///
    /// # Errors
    ///
    /// It was marked before or is too far back to know, or it is of one source too many.
    pub(super) fn admit(&self, ssrc: u32, index: u64) -> Result<Admitted, SrtpError> {
        let place = self.place(ssrc);
        match place.and_then(|at| self.windows.get(at)) {
            Some(window) if !window.admits(index) => Err(SrtpError::Replayed),
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
        if let Some(window) = place.and_then(|at| self.windows.get_mut(at)) {
            window.mark(index);
        } else {
            self.ssrcs.push(ssrc);
            self.windows.push(Window::starting_at(index));
        }
    }

    fn place(&self, ssrc: u32) -> Option<usize> {
        self.ssrcs.iter().position(|&known| known == ssrc)
    }

    /// A packet of this source will be admitted soon.
    pub(super) fn fetch_behind(&self, ssrc: u32) {
        if let Some(window) = self.window(ssrc) {
            cache::fetch(window);
        }
    }
}
