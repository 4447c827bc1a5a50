//! Makes one file of many: voices mixed, pictures in a layout.
//!
//! libavfilter does it, in a process of its own (`ffmpeg`): decoders and filters read what clients sent, and a fault in
//! them must not take calls with it. It runs in the recording's folder, so that no name on its way there can mean
//! anything to FFmpeg.

mod clock;
mod command;
mod graph;
mod layout;
mod look;
mod made;
mod names;
mod program;
mod seats;
mod spans;

use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

use calls_codec::CodecError;
use calls_model::{Gap, Layout, RecordingFile, RecordingMode, Source, Turn};
use tracing::warn;

use self::command::{NO_REORDERING, PICTURE, inputs_of, seconds_of, words};
use self::graph::mix;
use self::look::{Look, all_of, is_whole};
pub(super) use self::made::{NAMES, forget_note, noted, plays};
pub use self::made::{Rendered, leftovers};
use self::program::Program;
pub(super) use self::seats::{STANDS_MS, STUTTERS_MS};

/// The film that tells when there are pictures.
const CLOCK: &str = "part-clock.webm";

/// Nothing could be made.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The system says no.
    #[error("ffmpeg: {0}")]
    System(#[from] io::Error),
    /// FFmpeg says no.
    #[error("ffmpeg: {0}")]
    Refused(String),
    /// It did nothing any more, and was ended.
    #[error("ffmpeg did nothing for {0} s")]
    Stalled(u64),
    /// It says that it is done, and that is not so.
    #[error("the {what} of what ffmpeg made ends after {ends_ms} of {wanted_ms} ms")]
    Short {
        /// Of what.
        what: &'static str,
        /// Where it ends.
        ends_ms: u64,
        /// Where it should.
        wanted_ms: u64,
    },
    /// A file cannot be read.
    #[error("{0} cannot be read: {1}")]
    Input(String, CodecError),
    /// What it is to be made of is damaged.
    #[error("something of {name} cannot be read, from {from_ms} ms on")]
    Missing {
        /// Of which file.
        name: String,
        /// From where on.
        from_ms: u64,
    },
    /// The server ended each time that it was tried.
    #[error(
        "composing it came to no end in {0} tries; the server ended in each, perhaps for want of memory"
    )]
    Endless(u32),
    /// There is no voice and no picture.
    #[error("there is nothing to make it of")]
    Empty,
}

impl RenderError {
    /// It is only that the disk is full.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::System(error) => error.kind() == io::ErrorKind::StorageFull,
            Self::Refused(said) => said.contains("No space left on device"),
            Self::Input(_, error) => error.of_system,
            Self::Stalled(_)
            | Self::Short { .. }
            | Self::Missing { .. }
            | Self::Endless(_)
            | Self::Empty => false,
        }
    }
}

/// What can be read of what it is to be made of.
#[derive(Default)]
struct Seen<'f> {
    inputs: Vec<&'f RecordingFile>,
    /// When each of them has its pictures, in milliseconds of the recording.
    times: Vec<Vec<u32>>,
    /// When the last voice ends.
    heard_ms: u64,
    /// What cannot be read, by the names of the files.
    missing: Vec<(String, Gap)>,
}

/// One file of many.
#[derive(Debug)]
pub struct Render<'a> {
    /// Where the files are.
    pub folder: &'a Path,
    /// The program.
    pub ffmpeg: &'a str,
    /// What is made.
    pub mode: RecordingMode,
    /// How pictures are arranged.
    pub layout: Layout,
    /// What it is made of.
    pub tracks: &'a [RecordingFile],
    /// Who had the floor.
    pub turns: &'a [Turn],
    /// How long it is.
    pub duration_ms: u64,
}

impl Render<'_> {
    /// Makes it. `progress` hears percents.
    ///
    /// # Errors
    ///
    /// When there is nothing to make it of, or FFmpeg fails.
    pub fn run(&self, progress: impl FnMut(u8)) -> Result<Rendered, RenderError> {
        let wanted = |file: &&RecordingFile| self.pictures() || is_audio(file);
        let mut seen = self.look(self.tracks.iter().filter(wanted).collect())?;
        if seen.inputs.is_empty() {
            return Err(RenderError::Empty);
        }
        let mut arguments = inputs_of(&seen.inputs);
        let mut graph = String::new();
        let sound = mix(&mut graph, &seen.inputs, 0);
        if self.pictures() {
            arguments.extend(words(&["-i", CLOCK]));
            self.arrange(&mut graph, &seen, 0)?;
        }
        seen.times = Vec::new(); // of hours they are many, and `ffmpeg` needs the memory
        arguments.extend(self.script(&graph)?);
        if self.pictures() {
            arguments.extend(words(&PICTURE));
        }
        self.file(arguments, sound, seen, progress)
    }

    /// Makes a picture without sound that leaves so much out at its beginning, to be one of the pieces of
    /// [`join`](Self::join). Of voices nothing is read: they tell who is there.
    ///
    /// # Errors
    ///
    /// When something of what it is to be made of cannot be read, or FFmpeg fails.
    pub(super) fn piece(&self, skip_ms: u64, to: &str) -> Result<(), RenderError> {
        let pictures = self.tracks.iter().filter(|track| !is_audio(track));
        let seen = self.look(pictures.collect())?;
        if let Some((name, gap)) = seen.missing.first() {
            // A piece has no report; the whole, which is made at the end instead, has one.
            return Err(RenderError::Missing {
                name: name.clone(),
                from_ms: gap.from_ms,
            });
        }
        let mut arguments = inputs_of(&seen.inputs);
        let mut graph = String::new();
        arguments.extend(words(&["-i", CLOCK]));
        self.arrange(&mut graph, &seen, skip_ms)?;
        drop(seen);
        arguments.extend(self.script(&graph)?);
        arguments.extend(words(&PICTURE));
        arguments.extend(words(&NO_REORDERING));
        let length_ms = self.duration_ms - skip_ms;
        let (skip, length) = (seconds_of(skip_ms), seconds_of(length_ms));
        arguments.extend(words(&["-ss", &skip, "-t", &length, "-f", "mp4"]));
        arguments.push(to.to_owned());
        self.ffmpeg(&arguments, |_| ())?;
        is_whole(&self.folder.join(to), Some(length_ms), None)
    }

    /// Makes it of pictures that were composed before, in this order; their names are from its folder on, and they last so
    /// many milliseconds.
    ///
    /// # Errors
    ///
    /// When a piece cannot be read to its end, or FFmpeg fails.
    pub(super) fn join(
        &self,
        pieces: &[(String, u64)],
        progress: impl FnMut(u8),
    ) -> Result<Rendered, RenderError> {
        let voices: Vec<&RecordingFile> = self.tracks.iter().filter(|one| is_audio(one)).collect();
        let seen = self.look(voices)?;
        let list = "part-pieces.txt";
        let mut lines = String::new();
        for (piece, lasts_ms) in pieces {
            let lasts = seconds_of(*lasts_ms);
            let _ = writeln!(lines, "file '{piece}'\nduration {lasts}");
        }
        fs::write(self.folder.join(list), lines)?;
        // A piece that is missing is no end of the film.
        let mut arguments = words(&["-xerror", "-f", "concat", "-safe", "0", "-i", list]);
        arguments.extend(inputs_of(&seen.inputs));
        let mut graph = String::new();
        let sound = mix(&mut graph, &seen.inputs, 1);
        if sound {
            arguments.extend(self.script(&graph)?);
        }
        arguments.extend(words(&["-map", "0:v", "-c:v", "copy"]));
        self.file(arguments, sound, seen, progress)
    }

    /// Looks through what it is to be made of. What cannot be read at all is left out: it costs nobody else.
    fn look<'f>(&self, files: Vec<&'f RecordingFile>) -> Result<Seen<'f>, RenderError> {
        let mut seen = Seen::default();
        for file in files {
            let gaps = match Look::through(self.folder, file) {
                Ok(look) => {
                    if is_audio(file) {
                        let ends = look.ends.min(self.duration_ms);
                        seen.heard_ms = seen.heard_ms.max(ends);
                    }
                    seen.inputs.push(file);
                    seen.times.push(look.times);
                    look.missing
                }
                Err(RenderError::Input(name, error)) if !error.of_system => {
                    warn!(file = name, %error, "a track cannot be read, and is left out: {error}");
                    vec![all_of(file)]
                }
                Err(error) => return Err(error),
            };
            let named = gaps.into_iter().map(|gap| (file.name.clone(), gap));
            seen.missing.extend(named);
        }
        Ok(seen)
    }

    fn pictures(&self) -> bool {
        self.mode != RecordingMode::Audio
    }

    /// Hands a graph over; it may be longer than an argument can be.
    fn script(&self, graph: &str) -> io::Result<Vec<String>> {
        let script = "part-graph.txt";
        fs::write(self.folder.join(script), graph)?;
        Ok(words(&["-filter_complex_script", script]))
    }

    /// Runs the program.
    fn ffmpeg(&self, arguments: &[String], progress: impl FnMut(u8)) -> Result<(), RenderError> {
        Program::new(self.ffmpeg, self.folder).run(arguments, self.duration_ms, progress)
    }
}

fn is_audio(file: &RecordingFile) -> bool {
    file.source.is_some_and(Source::is_audio)
}

/// What of a track cannot be read, as far as its container tells.
pub(super) fn missing(folder: &Path, file: &RecordingFile) -> Vec<Gap> {
    match Look::through(folder, file) {
        Ok(look) => look.missing,
        Err(_) => vec![all_of(file)],
    }
}
