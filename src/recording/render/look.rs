//! What a file is to be made of, looked through before: when its frames are, and where something of it is missing.
//! FFmpeg tells nobody of an input that breaks off: it takes that for its end.

use std::path::Path;

use calls_codec::{Demuxer, Read};
use calls_model::{Gap, RecordingFile};

use super::{RenderError, is_audio};

/// A file is as long as is told of it, apart from this: its last frame may be counted or not, and rounded.
const OFF_MS: u64 = 100;

/// What is in a file, in milliseconds of the recording.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Look {
    /// When each of its pictures is, in order. Ten hours of fifty cameras have fifty millions of them.
    pub(super) times: Vec<u32>,
    /// When the last of them ends.
    pub(super) ends: u64,
    /// What should be there and cannot be read.
    pub(super) missing: Vec<Gap>,
}

impl Look {
    /// Looks through a file of this folder.
    ///
    /// # Errors
    ///
    /// It cannot be read at all.
    pub(super) fn through(folder: &Path, file: &RecordingFile) -> Result<Self, RenderError> {
        let unreadable = |error| RenderError::Input(file.name.clone(), error);
        let mut demuxer = Demuxer::open(&folder.join(&file.name)).map_err(unreadable)?;
        let mut look = Self::default();
        let (mut first, mut damage) = (None, 0);
        while let Some(Read {
            at_us, lasts_us, ..
        }) = demuxer.read().map_err(unreadable)?
        {
            let first = *first.get_or_insert(at_us);
            let millis = |us: i64| file.start_ms + u64::try_from(us).unwrap_or(0).div_ceil(1000);
            let at = millis(at_us - first);
            if demuxer.damage() > damage {
                damage = demuxer.damage();
                look.miss(look.ends, at);
            }
            if !is_audio(file) {
                // Of hours of sound they would be many, and nobody asks for them.
                look.times.push(u32::try_from(at).unwrap_or(u32::MAX));
            }
            look.ends = look.ends.max(millis(at_us - first + lasts_us));
        }
        if !look.times.is_sorted() {
            look.times.sort_unstable(); // they are coded in another order than they are shown in
        }
        let wanted = file.start_ms + file.duration_ms;
        if look.ends + OFF_MS < wanted {
            look.miss(look.ends.max(file.start_ms), wanted);
        }
        Ok(look)
    }

    fn miss(&mut self, from_ms: u64, to_ms: u64) {
        self.missing.push(Gap {
            from_ms,
            to_ms: Some(to_ms),
            reason: Gap::DAMAGED.to_owned(),
        });
    }
}

/// Nothing of a file can be read.
pub(super) fn all_of(file: &RecordingFile) -> Gap {
    Gap {
        from_ms: file.start_ms,
        to_ms: Some(file.start_ms + file.duration_ms),
        reason: Gap::DAMAGED.to_owned(),
    }
}

/// Sees that what was made has its picture and its sound, each to its end.
///
/// # Errors
///
/// [`RenderError::Short`], or it cannot be read.
pub(super) fn is_whole(
    path: &Path,
    picture_ms: Option<u64>,
    sound_ms: Option<u64>,
) -> Result<(), RenderError> {
    let unreadable = |error| RenderError::Input(path.display().to_string(), error);
    let mut demuxer = Demuxer::open(path).map_err(unreadable)?;
    let pictures: Vec<bool> = (0..demuxer.streams())
        .map(|stream| demuxer.size(stream).is_some())
        .collect();
    let (mut picture, mut sound) = (0, 0);
    while let Some(Read {
        stream,
        at_us,
        lasts_us,
        ..
    }) = demuxer.read().map_err(unreadable)?
    {
        let is_picture = pictures.get(stream).is_some_and(|picture| *picture);
        let end = if is_picture { &mut picture } else { &mut sound };
        let ends = u64::try_from(at_us + lasts_us).unwrap_or(0) / 1000;
        *end = ends.max(*end);
    }
    for (what, ends_ms, wanted_ms) in [("picture", picture, picture_ms), ("sound", sound, sound_ms)]
    {
        if let Some(wanted_ms) = wanted_ms.filter(|wanted| ends_ms + OFF_MS < *wanted) {
            return Err(RenderError::Short {
                what,
                ends_ms,
                wanted_ms,
            });
        }
    }
    Ok(())
}
