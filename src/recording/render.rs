//! Makes one file of many: voices mixed, pictures in a layout.
//!
//! libavfilter does it, in a process of its own (`ffmpeg`): decoders and filters read what clients sent, and a fault in
//! them must not take calls with it. It runs in the recording's folder, so that no name on its way there can mean
//! anything to FFmpeg.

mod clock;
mod layout;
mod look;
mod names;
mod program;

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use calls_codec::CodecError;
use calls_model::{FileKind, FilePlace, Gap, Layout, RecordingFile, RecordingMode, Source, Turn};

use self::layout::{HEIGHT, Place, Tile, WIDTH, places};
use self::look::{Look, is_whole};
use self::program::Program;
use super::finish::sha256;

/// What may come of it: with pictures, and without.
pub(super) const NAMES: [&str; 2] = ["recording.mp4", "recording.m4a"];

/// The film that tells when there are pictures.
const CLOCK: &str = "part-clock.webm";

/// Sound follows its timestamps: stretched by what clocks run apart, padded and cut where more is missing. FFmpeg's own
/// defaults let it run a tenth of a second away first. Resampling is on from the beginning: FFmpeg would begin anew with it
/// when it first has to stretch, and repeat all the time that has passed as silence.
const STRETCH: &str = "flags=res:async=1000:min_comp=0.002:min_hard_comp=0.04";

/// How pictures are made smaller: a tile is a quarter of what came, and nobody sees a better filter in it.
const SCALE: &str = "flags=bilinear";

/// How a composed picture is coded. It has no fixed rate, so what is said of a level cannot be guessed from one, and
/// players find a beginning every ten seconds.
///
/// Leaving out the small partitions of pictures that are predicted costs 3 % of the bytes and saves a fifth of the time.
const PICTURE: [&str; 22] = [
    "-map",
    "[picture]",
    "-fps_mode",
    "vfr",
    "-enc_time_base:v",
    "1:1000",
    "-level",
    "4.0",
    "-force_key_frames",
    "expr:gte(t,n_forced*10)",
    "-c:v",
    "libx264",
    "-preset",
    "veryfast",
    "-x264-params",
    "partitions=i4x4,i8x8",
    "-crf",
    "23",
    "-pix_fmt",
    "yuv420p",
    "-threads",
    "1",
];

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
            Self::Stalled(_) | Self::Short { .. } | Self::Endless(_) | Self::Empty => false,
        }
    }
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The file.
    pub file: RecordingFile,
    /// What could not be read of what it is made of, by the names of the files, and so is not in it.
    pub missing: Vec<(String, Gap)>,
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
        let inputs: Vec<&RecordingFile> = self.tracks.iter().filter(wanted).collect();
        if inputs.is_empty() {
            return Err(RenderError::Empty);
        }
        let looks = self.look(&inputs)?;
        let mut arguments = inputs_of(&inputs);
        let mut graph = String::new();
        let sound = mix(&mut graph, &inputs, 0);
        if self.pictures() {
            arguments.extend(words(&["-i", CLOCK]));
            self.arrange(&mut graph, (&inputs, &looks), 0)?;
        }
        arguments.extend(self.script(&graph)?);
        if self.pictures() {
            arguments.extend(words(&PICTURE));
        }
        self.file(arguments, sound, (&inputs, looks), progress)
    }

    /// Makes a picture without sound that leaves so much out at its beginning, to be one of the pieces of
    /// [`join`](Self::join).
    ///
    /// # Errors
    ///
    /// When FFmpeg fails.
    pub(super) fn piece(&self, skip_ms: u64, to: &str) -> Result<(), RenderError> {
        let inputs: Vec<&RecordingFile> = self.tracks.iter().collect();
        let looks = self.look(&inputs)?;
        let mut arguments = inputs_of(&inputs);
        let mut graph = String::new();
        arguments.extend(words(&["-i", CLOCK]));
        self.arrange(&mut graph, (&inputs, &looks), skip_ms)?;
        arguments.extend(self.script(&graph)?);
        arguments.extend(words(&PICTURE));
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
        let looks = self.look(&voices)?;
        let list = "part-pieces.txt";
        let mut lines = String::new();
        for (piece, lasts_ms) in pieces {
            let lasts = seconds_of(*lasts_ms);
            let _ = writeln!(lines, "file '{piece}'\nduration {lasts}");
        }
        fs::write(self.folder.join(list), lines)?;
        // A piece that is missing is no end of the film.
        let mut arguments = words(&["-xerror", "-f", "concat", "-safe", "0", "-i", list]);
        arguments.extend(inputs_of(&voices));
        let mut graph = String::new();
        let sound = mix(&mut graph, &voices, 1);
        if sound {
            arguments.extend(self.script(&graph)?);
        }
        arguments.extend(words(&["-map", "0:v", "-c:v", "copy"]));
        self.file(arguments, sound, (&voices, looks), progress)
    }

    /// Looks through what it is to be made of.
    fn look(&self, inputs: &[&RecordingFile]) -> Result<Vec<Look>, RenderError> {
        let looks = inputs.iter().map(|file| Look::through(self.folder, file));
        looks.collect()
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

    /// Runs it, and describes what came of it.
    fn file(
        &self,
        mut arguments: Vec<String>,
        sound: bool,
        (inputs, looks): (&[&RecordingFile], Vec<Look>),
        progress: impl FnMut(u8),
    ) -> Result<Rendered, RenderError> {
        let (name, media_type, kind) = if self.pictures() {
            (NAMES[0], "video/mp4", FileKind::Video)
        } else {
            (NAMES[1], "audio/mp4", FileKind::Audio)
        };
        if sound {
            arguments.extend(words(&["-map", "[sound]", "-c:a", "aac", "-b:a", "128k"]));
        }
        let path = self.folder.join(name);
        let part = format!("part-{name}");
        let length = seconds_of(self.duration_ms);
        arguments.extend(words(&[
            "-t",
            &length,
            "-movflags",
            "+faststart",
            "-f",
            "mp4",
        ]));
        arguments.push(part.clone());
        self.ffmpeg(&arguments, progress)?;
        let part = self.folder.join(part);
        let heard = inputs.iter().zip(&looks).filter(|(file, _)| is_audio(file));
        let heard = heard.map(|(_, look)| look.ends.min(self.duration_ms)).max();
        let seen = self.pictures().then_some(self.duration_ms);
        is_whole(&part, seen, heard.filter(|_| sound))?;
        File::open(&part)?.sync_all()?; // what is `available` outlives a power cut
        let sha256 = sha256(&part)?;
        note(&path, &sha256)?;
        fs::rename(part, &path)?;
        let codec = match (self.pictures(), sound) {
            (true, false) => "h264",
            (true, true) => "h264+aac",
            (false, _) => "aac",
        };
        let named = |(file, look): (&&RecordingFile, Look)| {
            let gaps = look.missing.into_iter();
            let name = file.name.clone();
            gaps.map(move |gap| (name.clone(), gap))
        };
        let missing = inputs.iter().zip(looks).flat_map(named).collect();
        let file = RecordingFile {
            name: name.to_owned(),
            kind,
            participant_id: None,
            user_id: None,
            display_name: None,
            source: None,
            codec: codec.to_owned(),
            media_type: media_type.to_owned(),
            start_ms: 0,
            duration_ms: self.duration_ms,
            size_bytes: fs::metadata(&path)?.len(),
            sha256,
            place: FilePlace::Local,
            url: None,
        };
        Ok(Rendered { file, missing })
    }

    /// Lays each picture over a dark ground, where and when it was there: the ground has its times from a film behind all
    /// inputs, and one of them is `skip_ms`.
    fn arrange(
        &self,
        graph: &mut String,
        (inputs, looks): (&[&RecordingFile], &[Look]),
        skip_ms: u64,
    ) -> Result<(), RenderError> {
        let shown: Vec<usize> = (0..inputs.len())
            .filter(|&i| !is_audio(inputs[i]))
            .collect();
        let files: Vec<&RecordingFile> = shown.iter().map(|&input| inputs[input]).collect();
        let places = places(self.layout, &files, self.turns);
        let pictures: Vec<&[u64]> = shown.iter().map(|&input| &looks[input].times[..]).collect();
        let moments = places.iter().flatten().flat_map(|place| &place.times);
        let moments = moments.flat_map(|&(from, to)| [from, to]).chain([skip_ms]);
        let moments: Vec<u64> = moments.collect();
        let times = clock::times(&pictures, &moments, self.duration_ms);
        clock::write(&self.folder.join(CLOCK), &times)?;
        join(graph);
        let clock = inputs.len();
        let _ = write!(
            graph,
            "[{clock}:v]pad={WIDTH}:{HEIGHT}:color=0x202124,setsar=1[ground0]"
        );
        let near = seconds_of(clock::NEAR_MS);
        let mut layer = 0;
        for (&input, places) in shown.iter().zip(places) {
            let copies = places.len();
            let _ = write!(
                graph,
                ";[{input}:v]setpts=round(PTS-{near}/TB),split={copies}"
            );
            for copy in layer..layer + copies {
                let _ = write!(graph, "[copy{copy}]");
            }
            for Place { tile, times } in places {
                let Tile {
                    x,
                    y,
                    width,
                    height,
                } = tile;
                let named = self.mode == RecordingMode::Composite;
                let name = named.then(|| names::filter(self.folder, layer, inputs[input], width));
                let name = name.transpose()?.unwrap_or_default();
                let _ = write!(
                    graph,
                    ";[copy{layer}]scale={width}:{height}:force_original_aspect_ratio=decrease:{SCALE},\
                     format=yuva420p,pad={width}:{height}:(ow-iw)/2:(oh-ih)/2:color=0x000000:eval=frame,\
                     setsar=1{name}[tile{layer}]\
                     ;[ground{layer}][tile{layer}]overlay=x={x}:y={y}:enable='"
                );
                for (index, (from, to)) in times.into_iter().enumerate() {
                    let plus = if index == 0 { "" } else { "+" };
                    let (from, to) = (seconds_of(from), seconds_of(to));
                    let _ = write!(graph, "{plus}gte(t,{from})*lt(t,{to})");
                }
                layer += 1;
                let _ = write!(graph, "'[ground{layer}]");
            }
        }
        let _ = write!(graph, ";[ground{layer}]null[picture]");
        Ok(())
    }

    fn ffmpeg(&self, arguments: &[String], progress: impl FnMut(u8)) -> Result<(), RenderError> {
        Program::new(self.ffmpeg, self.folder).run(arguments, self.duration_ms, progress)
    }
}

/// Milliseconds, as FFmpeg takes a time.
fn seconds_of(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// What is read. Names are from the folder on.
fn inputs_of(files: &[&RecordingFile]) -> Vec<String> {
    let mut arguments = Vec::new();
    for file in files {
        // ffmpeg lets every input begin at zero; each begins where it was.
        let offset = seconds_of(file.start_ms);
        // Where pictures change their size, it would begin the whole graph anew, and all that was heard would be silence.
        arguments.extend(words(&["-reinit_filter", "0", "-itsoffset", &offset]));
        arguments.extend(["-i".to_owned(), file.name.clone()]);
    }
    arguments
}

/// A graph's next chain.
fn join(graph: &mut String) {
    if !graph.is_empty() {
        graph.push(';');
    }
}

/// All voices on one timeline, none louder for being alone; the first input is that number. Tells whether there are any.
fn mix(graph: &mut String, inputs: &[&RecordingFile], first: usize) -> bool {
    let voices = (0..inputs.len()).filter(|&input| is_audio(inputs[input]));
    let voices: Vec<usize> = voices.map(|input| first + input).collect();
    for voice in &voices {
        join(graph);
        let _ = write!(
            graph,
            "[{voice}:a]aresample=48000:{STRETCH}:first_pts=0[voice{voice}]"
        );
    }
    if voices.is_empty() {
        return false;
    }
    graph.push(';');
    for voice in &voices {
        let _ = write!(graph, "[voice{voice}]");
    }
    let count = voices.len();
    let _ = write!(
        graph,
        "amix=inputs={count}:duration=longest:normalize=0,alimiter=limit=0.95:level=0[sound]"
    );
    true
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn is_audio(file: &RecordingFile) -> bool {
    file.source.is_some_and(Source::is_audio)
}

/// Where the SHA-256 of a file is noted before it gets its name.
fn note_of(path: &Path) -> PathBuf {
    path.with_extension("sha256")
}

/// Notes what a file is that is about to get its name: a crash may come before that is known elsewhere.
fn note(path: &Path, sha256: &str) -> io::Result<()> {
    let (note, part) = (note_of(path), path.with_extension("sha256-part"));
    fs::write(&part, sha256)?;
    File::open(&part)?.sync_all()?;
    fs::rename(part, note)
}

/// What is noted of a file: its SHA-256 as it was made last.
pub(super) fn noted(path: &Path) -> Option<String> {
    fs::read_to_string(note_of(path)).ok()
}

/// What was noted of a file is known elsewhere.
pub(super) fn forget_note(path: &Path) -> io::Result<()> {
    match fs::remove_file(note_of(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Sees that a file that was made of tracks can be read to its end.
///
/// # Errors
///
/// As [`is_whole`].
pub(super) fn plays(path: &Path, file: &RecordingFile) -> Result<(), RenderError> {
    let seen = (file.kind == FileKind::Video).then_some(file.duration_ms);
    let heard = (file.kind == FileKind::Audio).then_some(0);
    is_whole(path, seen, heard)
}

/// What of a track cannot be read, as far as its container tells.
pub(super) fn missing(folder: &Path, file: &RecordingFile) -> Vec<Gap> {
    match Look::through(folder, file) {
        Ok(look) => look.missing,
        Err(_) => vec![look::all_of(file)],
    }
}

/// Where a recording's names for FFmpeg are, to be let go of.
pub fn leftovers(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let ours = |path: &PathBuf| {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        name.starts_with("part-") || name.starts_with("name-")
    };
    paths.filter(ours).collect()
}
