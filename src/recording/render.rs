//! Makes one file of many: voices mixed, pictures in a layout.
//!
//! libavfilter does it, in a process of its own (`ffmpeg`): decoders and filters read what clients sent, and a fault in
//! them must not take calls with it. It runs in the recording's folder, so that no name on its way there can mean
//! anything to FFmpeg.

mod layout;
mod program;

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use calls_model::{
    DisplayName, FileKind, FilePlace, Layout, RecordingFile, RecordingMode, Source, Turn, UserId,
};

use self::layout::{HEIGHT, Place, Tile, WIDTH, places};
use self::program::Program;
use super::finish::sha256;

/// Pictures a second of a composite.
const RATE: u32 = 25;

/// Sound follows its timestamps: stretched by what clocks run apart, padded and cut where more is missing. FFmpeg's own
/// defaults let it run a tenth of a second away first. Resampling is on from the beginning: FFmpeg would begin anew with it
/// when it first has to stretch, and repeat all the time that has passed as silence.
const STRETCH: &str = "flags=res:async=1000:min_comp=0.002:min_hard_comp=0.04";

/// How a composed picture is coded.
const PICTURE: [&str; 12] = [
    "-map",
    "[picture]",
    "-c:v",
    "libx264",
    "-preset",
    "veryfast",
    "-crf",
    "23",
    "-pix_fmt",
    "yuv420p",
    "-threads",
    "1",
];

/// Where fonts usually are; without one there are no names.
const FONTS: [&str; 3] = [
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf",
    "/usr/share/fonts/truetype/liberation2/LiberationSans-Regular.ttf",
];

/// How large names are.
const FONT: u32 = 20;

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
            Self::Stalled(_) | Self::Empty => false,
        }
    }
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
    pub fn run(&self, progress: impl FnMut(u8)) -> Result<RecordingFile, RenderError> {
        let wanted = |file: &&RecordingFile| self.pictures() || is_audio(file);
        let inputs: Vec<&RecordingFile> = self.tracks.iter().filter(wanted).collect();
        if inputs.is_empty() {
            return Err(RenderError::Empty);
        }
        let mut arguments = inputs_of(&inputs);
        let mut graph = String::new();
        let sound = mix(&mut graph, &inputs, 0);
        if self.pictures() {
            self.arrange(&mut graph, &inputs)?;
        }
        arguments.extend(self.script(&graph)?);
        if self.pictures() {
            arguments.extend(words(&PICTURE));
        }
        self.file(arguments, sound, progress)
    }

    /// Makes a picture without sound that leaves so much out at its beginning, to be one of the pieces of
    /// [`join`](Self::join).
    ///
    /// # Errors
    ///
    /// When FFmpeg fails.
    pub(super) fn piece(&self, skip_ms: u64, to: &str) -> Result<(), RenderError> {
        let inputs: Vec<&RecordingFile> = self.tracks.iter().collect();
        let mut arguments = inputs_of(&inputs);
        let mut graph = String::new();
        self.arrange(&mut graph, &inputs)?;
        arguments.extend(self.script(&graph)?);
        arguments.extend(words(&PICTURE));
        let (skip, length) = (seconds_of(skip_ms), seconds_of(self.duration_ms - skip_ms));
        arguments.extend(words(&["-ss", &skip, "-t", &length, "-f", "mp4"]));
        arguments.push(to.to_owned());
        self.ffmpeg(&arguments, |_| ())
    }

    /// Makes it of pictures that were composed before, in this order; their names are from its folder on.
    ///
    /// # Errors
    ///
    /// When FFmpeg fails.
    pub(super) fn join(
        &self,
        pieces: &[String],
        progress: impl FnMut(u8),
    ) -> Result<RecordingFile, RenderError> {
        let voices: Vec<&RecordingFile> = self.tracks.iter().filter(|one| is_audio(one)).collect();
        let list = "part-pieces.txt";
        let mut lines = String::new();
        for piece in pieces {
            let _ = writeln!(lines, "file '{piece}'");
        }
        fs::write(self.folder.join(list), lines)?;
        let mut arguments = words(&["-f", "concat", "-safe", "0", "-i", list]);
        arguments.extend(inputs_of(&voices));
        let mut graph = String::new();
        let sound = mix(&mut graph, &voices, 1);
        if sound {
            arguments.extend(self.script(&graph)?);
        }
        arguments.extend(words(&["-map", "0:v", "-c:v", "copy"]));
        self.file(arguments, sound, progress)
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
        progress: impl FnMut(u8),
    ) -> Result<RecordingFile, RenderError> {
        let (name, media_type, kind) = if self.pictures() {
            ("recording.mp4", "video/mp4", FileKind::Video)
        } else {
            ("recording.m4a", "audio/mp4", FileKind::Audio)
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
        File::open(&part)?.sync_all()?; // what is `available` outlives a power cut
        fs::rename(part, &path)?;
        let codec = match (self.pictures(), sound) {
            (true, false) => "h264",
            (true, true) => "h264+aac",
            (false, _) => "aac",
        };
        Ok(RecordingFile {
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
            sha256: sha256(&path)?,
            place: FilePlace::Local,
            url: None,
        })
    }

    /// Lays each picture over a dark ground, where and when it was there.
    fn arrange(&self, graph: &mut String, inputs: &[&RecordingFile]) -> io::Result<()> {
        let shown: Vec<usize> = (0..inputs.len())
            .filter(|&i| !is_audio(inputs[i]))
            .collect();
        let files: Vec<&RecordingFile> = shown.iter().map(|&input| inputs[input]).collect();
        let seconds = self.duration_ms.div_ceil(1000).max(1);
        join(graph);
        let _ = write!(
            graph,
            "color=c=0x202124:s={WIDTH}x{HEIGHT}:r={RATE}:d={seconds}[ground0]"
        );
        let mut layer = 0;
        for (&input, places) in shown.iter().zip(places(self.layout, &files, self.turns)) {
            let copies = places.len();
            let _ = write!(graph, ";[{input}:v]fps={RATE},split={copies}");
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
                let name = self.name(layer, inputs[input], width)?;
                let _ = write!(
                    graph,
                    ";[copy{layer}]scale={width}:{height}:force_original_aspect_ratio=decrease,\
                     pad={width}:{height}:(ow-iw)/2:(oh-ih)/2:color=0x000000,setsar=1{name}[tile{layer}]\
                     ;[ground{layer}][tile{layer}]overlay=x={x}:y={y}:eof_action=pass:enable='"
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

    /// What writes whose picture it is, where that is wanted and can be.
    fn name(&self, layer: usize, file: &RecordingFile, width: u32) -> io::Result<String> {
        let named = self.mode == RecordingMode::Composite;
        let font = FONTS
            .into_iter()
            .find(|font| named && Path::new(font).exists());
        let (Some(font), Some(name)) = (font, caption(file, width)) else {
            return Ok(String::new());
        };
        // The name goes by a file: nothing in it can be taken for a filter.
        let text = format!("name-{layer}.txt");
        fs::write(self.folder.join(&text), name)?;
        Ok(format!(
            ",drawtext=fontfile={font}:textfile={text}:expansion=none:fontsize={FONT}:fontcolor=white:\
             box=1:boxcolor=0x000000@0.5:boxborderw=6:x=12:y=h-th-14"
        ))
    }

    fn ffmpeg(&self, arguments: &[String], progress: impl FnMut(u8)) -> Result<(), RenderError> {
        Program::new(self.ffmpeg, self.folder).run(arguments, self.duration_ms, progress)
    }
}

/// What stands on somebody's picture: what they were called when they came in, else their id, as one line that fits.
fn caption(file: &RecordingFile, width: u32) -> Option<String> {
    let called = file.display_name.as_ref().map(DisplayName::as_str);
    let name = called.or_else(|| file.user_id.as_ref().map(UserId::as_str))?;
    let most = usize::try_from(width.saturating_sub(24) * 5 / (FONT * 3)).unwrap_or(0);
    let line = one_line(name);
    let fits = line.chars().count() <= most.max(2);
    let cut = || line.chars().take(most.max(2) - 1).chain(['…']).collect();
    let line: String = if fits { line } else { cut() };
    (!line.is_empty()).then_some(line)
}

/// Without line breaks, and without what turns the direction of writing around (Unicode UAX #9) for what is not the name.
fn one_line(name: &str) -> String {
    let turns = |c: &char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let plain = |c: char| {
        if c.is_control() || c.is_whitespace() {
            ' '
        } else {
            c
        }
    };
    let line: String = name.chars().filter(|c| !turns(c)).map(plain).collect();
    line.trim().to_owned()
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
        let name = file.name.clone();
        arguments.extend(["-itsoffset".to_owned(), offset, "-i".to_owned(), name]);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_and_turns_nothing_around() {
        assert_eq!(one_line("a\nb\r\n\tc\u{2028}d"), "a b   c d");
        assert_eq!(one_line("ada\u{202e}gnp\u{2066} x"), "adagnp x");
        assert_eq!(one_line("שלום علي"), "שלום علي");
        assert_eq!(one_line("\u{202e}\u{2069} "), "");
    }
}
