//! Composes a recording's picture while it is still recorded, piece by piece, so that little is left to do at its end.
//!
//! Pieces lie beside the live files, and carry their times in their names; one that has its name is whole. Sound is not
//! in them: it is mixed at the end, which takes no time, and has no seams then.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use calls_model::{Layout, RecordingFile, RecordingMode, Turn};

use super::finish::{Excerpt, FinishError, Following};
use super::render::{Render, RenderError, Rendered};

/// How long a piece is.
const PIECE_MS: u64 = 30_000;

/// What is so young may still change: packets are late, and clocks are learned.
const SETTLES_MS: u64 = 3_000;

/// A piece whose decoding begins earlier than this before it costs too much.
const MOST_SKIP_MS: u64 = 60_000;

/// Where pieces are, in a recording's folder.
const PLACE: &str = "live/pieces";

/// Composing ahead was given up: the whole is made at the end.
const GIVEN_UP: &str = "given-up";

/// How often the piece was tried that is to come next, a byte each.
const TRIES: &str = "tries";

/// So often a piece is tried that comes to no end.
const WITHIN: u64 = 3;

/// No piece could be made.
#[derive(Debug, thiserror::Error)]
pub enum AheadError {
    /// What is recorded cannot be read.
    #[error(transparent)]
    Finish(#[from] FinishError),
    /// It cannot be composed.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The system says no.
    #[error("{0}")]
    System(#[from] io::Error),
    /// Nobody sent a key frame.
    #[error("no key frame came for {0} s")]
    NoKeyframe(u64),
    /// The server ended each time that a piece was tried.
    #[error("a piece came to no end in {} tries", WITHIN)]
    Endless,
}

/// A recording that is composed ahead.
#[derive(Debug, Clone)]
pub struct Ahead {
    /// Where its files are.
    pub folder: PathBuf,
    /// The program.
    pub ffmpeg: String,
    /// What is made.
    pub mode: RecordingMode,
    /// How pictures are arranged.
    pub layout: Layout,
    /// How far its log was read.
    pub followed: Followed,
}

/// How far the log of a recording was read by whoever composes it ahead: of hours it is long.
#[derive(Debug, Clone, Default)]
pub struct Followed(Arc<Mutex<Following>>);

impl Followed {
    fn lock(&self) -> std::sync::MutexGuard<'_, Following> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One piece: from, to, where.
type Piece = (u64, u64, PathBuf);

impl Ahead {
    /// Composes the next piece, if so much is recorded. Tells whether it did.
    ///
    /// # Errors
    ///
    /// [`AheadError`]; it is not tried again then.
    pub fn next(&self) -> Result<bool, AheadError> {
        let place = self.place();
        if place.join(GIVEN_UP).exists() {
            return Ok(false);
        }
        let from = pieces(&place)?.last().map_or(0, |&(_, to, _)| to);
        let to = from + PIECE_MS;
        let settled = to + SETTLES_MS;
        if !self.followed.lock().has(&self.folder, settled)? {
            return Ok(false);
        }
        let made = self.try_to_compose(from, to);
        if made.is_err() {
            fs::create_dir_all(&place)?;
            fs::write(place.join(GIVEN_UP), [])?;
        }
        made.map(|()| true)
    }

    /// Composes what is left, and makes one file of all; `None` where nothing was composed ahead.
    ///
    /// # Errors
    ///
    /// [`AheadError`].
    pub fn whole(
        &self,
        tracks: &[RecordingFile],
        duration_ms: u64,
        progress: impl FnMut(u8),
    ) -> Result<Option<Rendered>, AheadError> {
        let place = self.place();
        let Some(&(_, done, _)) = pieces(&place)?.last() else {
            return Ok(None);
        };
        if done < duration_ms {
            self.compose(done, duration_ms)?;
        }
        let name = |(from, to, _): Piece| (format!("{PLACE}/{from}-{to}.mp4"), to - from);
        let pieces: Vec<(String, u64)> = pieces(&place)?.into_iter().map(name).collect();
        let whole = self.render(&self.folder, tracks, &[], duration_ms);
        Ok(Some(whole.join(&pieces, progress)?))
    }

    /// Counts the tries of a piece before they are made: one that ends the server is one, too.
    fn try_to_compose(&self, from: u64, to: u64) -> Result<(), AheadError> {
        let place = self.place();
        fs::create_dir_all(&place)?;
        let tries = place.join(TRIES);
        let mut begun = File::options().create(true).append(true).open(&tries)?;
        if begun.metadata()?.len() >= WITHIN {
            return Err(AheadError::Endless);
        }
        begun.write_all(b".")?;
        begun.sync_all()?;
        self.compose(from, to)?;
        Ok(fs::remove_file(tries)?)
    }

    fn place(&self) -> PathBuf {
        self.folder.join(PLACE)
    }

    fn compose(&self, from: u64, to: u64) -> Result<(), AheadError> {
        let place = self.place();
        let work = place.join("work");
        fs::create_dir_all(&work)?;
        let Excerpt {
            files,
            people,
            turns,
            skip_ms,
        } = self
            .followed
            .lock()
            .excerpt(&self.folder, (from, to), &work)?;
        if skip_ms > MOST_SKIP_MS {
            return Err(AheadError::NoKeyframe(skip_ms / 1000));
        }
        let part = "piece.mp4";
        let length = to - from + skip_ms;
        let tracks = [people, files].concat(); // whoever came first has the first place
        self.render(&work, &tracks, &turns, length)
            .piece(skip_ms, part)?;
        let made = work.join(part);
        File::open(&made)?.sync_all()?; // one that has its name is whole, also after a power cut
        fs::rename(made, place.join(format!("{from}-{to}.mp4")))?;
        File::open(&place)?.sync_all()?;
        Ok(fs::remove_dir_all(&work)?)
    }

    /// How any part of it is composed, or the whole.
    pub(super) fn render<'a>(
        &'a self,
        folder: &'a Path,
        tracks: &'a [RecordingFile],
        turns: &'a [Turn],
        duration_ms: u64,
    ) -> Render<'a> {
        Render {
            folder,
            ffmpeg: &self.ffmpeg,
            mode: self.mode,
            layout: self.layout,
            tracks,
            turns,
            duration_ms,
        }
    }
}

/// The pieces that are whole, in order; each begins where the one before ends.
fn pieces(place: &Path) -> io::Result<Vec<Piece>> {
    let entries = match fs::read_dir(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut pieces = Vec::new();
    for entry in entries {
        pieces.extend(times_of(entry?.path()));
    }
    pieces.sort_unstable();
    let mut next = 0;
    pieces.retain(|&(from, to, _)| {
        let follows = from == next;
        if follows {
            next = to;
        }
        follows
    });
    Ok(pieces)
}

fn times_of(path: PathBuf) -> Option<Piece> {
    let (from, to) = path
        .file_name()?
        .to_str()?
        .strip_suffix(".mp4")?
        .split_once('-')?;
    Some((from.parse().ok()?, to.parse().ok()?, path))
}
