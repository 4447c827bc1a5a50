//! Makes one file of many: voices mixed, pictures in a layout.
//!
//! libavfilter does it, in a process of its own (`ffmpeg`): decoders and filters read what clients sent, and a fault in
//! them must not take calls with it. It runs with the lowest priority, and one at a time.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use calls_model::{FileKind, FilePlace, Layout, RecordingFile, RecordingMode, Source};

use super::finish::sha256;

/// Size of the picture of a composite.
const WIDTH: u32 = 1280;
const HEIGHT: u32 = 720;

/// Pictures a second of a composite.
const RATE: u32 = 25;

/// Sound follows its timestamps: stretched by what clocks run apart, padded and cut where more is missing. FFmpeg's own
/// defaults let it run a tenth of a second away first.
const STRETCH: &str = "async=1000:min_comp=0.002:min_hard_comp=0.04";

/// Where fonts usually are; without one there are no names.
const FONTS: [&str; 3] = [
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf",
    "/usr/share/fonts/truetype/liberation2/LiberationSans-Regular.ttf",
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
    /// There is no voice and no picture.
    #[error("there is nothing to make it of")]
    Empty,
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
    /// How long it is.
    pub duration_ms: u64,
}

/// Where a picture stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tile {
    x: u32,
    y: u32,
    width: u32,
    height: u32,
}

impl Render<'_> {
    /// Makes it. `progress` hears percents.
    ///
    /// # Errors
    ///
    /// When there is nothing to make it of, or FFmpeg fails.
    pub fn run(&self, progress: impl FnMut(u8)) -> Result<RecordingFile, RenderError> {
        let pictures = self.mode != RecordingMode::Audio;
        let (name, media_type) = if pictures {
            ("recording.mp4", "video/mp4")
        } else {
            ("recording.m4a", "audio/mp4")
        };
        let path = self.folder.join(name);
        let part = self.folder.join(format!("part-{name}"));
        let (arguments, codec) = self.arguments(&part)?;
        self.ffmpeg(&arguments, progress)?;
        fs::rename(&part, &path)?;
        Ok(RecordingFile {
            name: name.to_owned(),
            kind: if pictures {
                FileKind::Video
            } else {
                FileKind::Audio
            },
            participant_id: None,
            user_id: None,
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

    fn arguments(&self, to: &Path) -> Result<(Vec<String>, &'static str), RenderError> {
        let pictures = self.mode != RecordingMode::Audio;
        let wanted = |file: &&RecordingFile| {
            file.source
                .is_some_and(|source| pictures || source.is_audio())
        };
        let inputs: Vec<&RecordingFile> = self.tracks.iter().filter(wanted).collect();
        let mut arguments = Vec::new();
        for file in &inputs {
            // ffmpeg lets every input begin at zero; each begins where it was.
            let offset = format!("{}.{:03}", file.start_ms / 1000, file.start_ms % 1000);
            let path = self.folder.join(&file.name).display().to_string();
            arguments.extend(["-itsoffset".to_owned(), offset, "-i".to_owned(), path]);
        }
        let sound: Vec<usize> = (0..inputs.len()).filter(|&i| is_audio(inputs[i])).collect();
        let shown: Vec<usize> = (0..inputs.len())
            .filter(|&i| !is_audio(inputs[i]))
            .collect();
        let mut graph = String::new();
        if !sound.is_empty() {
            mix(&mut graph, &sound);
        }
        if pictures && !(shown.is_empty() && sound.is_empty()) {
            self.arrange(&mut graph, &inputs, &shown)?;
        }
        if graph.is_empty() {
            return Err(RenderError::Empty);
        }
        arguments.extend(["-filter_complex".to_owned(), graph]);
        let mut say = |words: &[&str]| arguments.extend(words.iter().map(|&word| word.to_owned()));
        if !sound.is_empty() {
            say(&["-map", "[sound]", "-c:a", "aac", "-b:a", "128k"]);
        }
        if pictures {
            say(&[
                "-map",
                "[picture]",
                "-c:v",
                "libx264",
                "-preset",
                "veryfast",
                "-crf",
                "23",
            ]);
            say(&["-pix_fmt", "yuv420p", "-threads", "1"]);
        }
        let length = format!("{}.{:03}", self.duration_ms / 1000, self.duration_ms % 1000);
        say(&["-t", &length, "-movflags", "+faststart", "-f", "mp4"]);
        arguments.push(to.display().to_string());
        let codec = match (pictures, sound.is_empty()) {
            (true, true) => "h264",
            (true, false) => "h264+aac",
            (false, _) => "aac",
        };
        Ok((arguments, codec))
    }

    /// Lays each picture over a dark ground, where and when it was there.
    fn arrange(
        &self,
        graph: &mut String,
        inputs: &[&RecordingFile],
        shown: &[usize],
    ) -> io::Result<()> {
        let people = people(inputs, shown);
        let seconds = self.duration_ms.div_ceil(1000).max(1);
        join(graph);
        let _ = write!(
            graph,
            "color=c=0x202124:s={WIDTH}x{HEIGHT}:r={RATE}:d={seconds}[ground0]"
        );
        let tiles = tiles(self.layout, &people);
        let named = self.mode == RecordingMode::Composite;
        let font = FONTS
            .into_iter()
            .find(|font| named && Path::new(font).exists());
        for (layer, &input) in shown.iter().enumerate() {
            let file = inputs[input];
            let place = people
                .iter()
                .position(|&(of, screen)| (of, screen) == person(file));
            let Tile {
                x,
                y,
                width,
                height,
            } = tiles[place.unwrap_or(0)];
            let _ = write!(
                graph,
                ";[{input}:v]fps={RATE},scale={width}:{height}:force_original_aspect_ratio=decrease,\
                 pad={width}:{height}:(ow-iw)/2:(oh-ih)/2:color=0x000000,setsar=1"
            );
            if let (Some(font), Some(user)) = (font, &file.user_id) {
                // The name goes by a file: nothing in it can be taken for a filter.
                let name = self.folder.join(format!("name-{input}.txt"));
                fs::write(&name, user.as_str())?;
                let _ = write!(
                    graph,
                    ",drawtext=fontfile={font}:textfile={}:expansion=none:fontsize=20:fontcolor=white:\
                     box=1:boxcolor=0x000000@0.5:boxborderw=6:x=12:y=h-th-14",
                    name.display()
                );
            }
            let (from, to) = (file.start_ms, file.start_ms + file.duration_ms + 200);
            let _ = write!(
                graph,
                "[tile{layer}];[ground{layer}][tile{layer}]overlay=x={x}:y={y}:eof_action=pass:\
                 enable='between(t,{}.{:03},{}.{:03})'[ground{}]",
                from / 1000,
                from % 1000,
                to / 1000,
                to % 1000,
                layer + 1
            );
        }
        let _ = write!(graph, ";[ground{}]null[picture]", shown.len());
        Ok(())
    }

    fn ffmpeg(
        &self,
        arguments: &[String],
        mut progress: impl FnMut(u8),
    ) -> Result<(), RenderError> {
        let mut child = Command::new("nice")
            .args(["-n", "19", self.ffmpeg])
            .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y"])
            .args(["-progress", "pipe:1"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut said = child.stderr.take();
        let listening = std::thread::spawn(move || {
            let mut text = Vec::new();
            if let Some(said) = &mut said {
                let _ = said.take(64 * 1024).read_to_end(&mut text); // what fits tells enough
                let _ = io::copy(said, &mut io::sink());
            }
            String::from_utf8_lossy(&text).into_owned()
        });
        if let Some(lines) = child.stdout.take() {
            for line in BufReader::new(lines).lines() {
                let line = line?;
                let micros = line
                    .strip_prefix("out_time_us=")
                    .and_then(|us| us.parse::<u64>().ok());
                if let Some(micros) = micros {
                    let percent = micros / 10 / self.duration_ms.max(1);
                    progress(u8::try_from(percent.min(99)).unwrap_or(99));
                }
            }
        }
        let status = child.wait()?;
        let text = listening.join().unwrap_or_default();
        if status.success() {
            return Ok(());
        }
        let last = text.lines().last().unwrap_or("it said nothing").to_owned();
        Err(RenderError::Refused(format!("{status}: {last}")))
    }
}

/// A graph's next chain.
fn join(graph: &mut String) {
    if !graph.is_empty() {
        graph.push(';');
    }
}

/// All voices on one timeline, none louder for being alone.
fn mix(graph: &mut String, sound: &[usize]) {
    for input in sound {
        join(graph);
        let _ = write!(
            graph,
            "[{input}:a]aresample=48000:{STRETCH}:first_pts=0[voice{input}]"
        );
    }
    graph.push(';');
    for input in sound {
        let _ = write!(graph, "[voice{input}]");
    }
    let count = sound.len();
    let _ = write!(
        graph,
        "amix=inputs={count}:duration=longest:normalize=0,alimiter=limit=0.95:level=0[sound]"
    );
}

fn is_audio(file: &RecordingFile) -> bool {
    file.source.is_some_and(Source::is_audio)
}

type Person<'a> = (Option<&'a str>, bool);

/// Whose picture: files of one share a tile, a screen has its own.
fn person(file: &RecordingFile) -> Person<'_> {
    let whose = file.user_id.as_ref().map(calls_model::UserId::as_str);
    (whose, file.source == Some(Source::Screen))
}

fn people<'a>(inputs: &[&'a RecordingFile], shown: &[usize]) -> Vec<Person<'a>> {
    let mut people = Vec::new();
    for &input in shown {
        let one = person(inputs[input]);
        if !people.contains(&one) {
            people.push(one);
        }
    }
    people.sort_by_key(|&(_, screen)| !screen);
    people
}

/// Where each of them stands.
fn tiles(layout: Layout, people: &[Person<'_>]) -> Vec<Tile> {
    let large = match layout {
        Layout::Grid => false,
        Layout::Speaker => true,
        Layout::ScreenFirst => people.first().is_some_and(|&(_, screen)| screen),
    };
    let count = u32::try_from(people.len()).unwrap_or(u32::MAX).max(1);
    if large && count > 1 {
        return beside(count);
    }
    let columns = (1..=count)
        .find(|columns| columns * columns >= count)
        .unwrap_or(1);
    let rows = count.div_ceil(columns);
    let (width, height) = (even(WIDTH / columns), even(HEIGHT / rows));
    let tile = |index: u32| Tile {
        x: index % columns * width,
        y: index / columns * height,
        width,
        height,
    };
    (0..count).map(tile).collect()
}

/// The first is large, the others stand in a column beside it.
fn beside(count: u32) -> Vec<Tile> {
    let side = even(WIDTH / 5);
    let height = even((HEIGHT / (count - 1)).min(side * 9 / 16));
    let first = Tile {
        x: 0,
        y: 0,
        width: WIDTH - side,
        height: HEIGHT,
    };
    let other = |index: u32| Tile {
        x: WIDTH - side,
        y: index * height,
        width: side,
        height,
    };
    std::iter::once(first)
        .chain((0..count - 1).map(other))
        .collect()
}

/// What H.264 can halve.
fn even(size: u32) -> u32 {
    (size & !1).max(2)
}

/// A program that can be run.
pub fn is_there(ffmpeg: &str) -> bool {
    let asked = Command::new(ffmpeg)
        .arg("-version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    asked.is_ok_and(|status| status.success())
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
    fn tiles_lie_inside_the_picture_and_not_on_each_other() {
        for layout in [Layout::Grid, Layout::Speaker, Layout::ScreenFirst] {
            for count in 1..=49usize {
                let people: Vec<Person<'_>> = (0..count).map(|index| (None, index == 0)).collect();
                let tiles = tiles(layout, &people);
                assert_eq!(tiles.len(), count);
                for (index, a) in tiles.iter().enumerate() {
                    assert!(
                        a.x + a.width <= WIDTH && a.y + a.height <= HEIGHT,
                        "{layout:?} {a:?}"
                    );
                    let apart = |b: &Tile| {
                        a.x + a.width <= b.x
                            || b.x + b.width <= a.x
                            || a.y + a.height <= b.y
                            || b.y + b.height <= a.y
                    };
                    assert!(
                        tiles[index + 1..].iter().all(apart),
                        "{layout:?} of {count}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_screen_comes_first() {
        let people = [(Some("ann"), true), (Some("ann"), false)];
        let tiles = tiles(Layout::ScreenFirst, &people);
        assert!(tiles[0].width > tiles[1].width);
    }
}
