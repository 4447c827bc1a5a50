//! What `ffmpeg` is asked for.

use calls_model::RecordingFile;

/// How a composed picture is coded. It has no fixed rate, so what is said of a level cannot be guessed from one, and
/// players find a beginning every ten seconds.
///
/// Leaving out the small partitions of pictures that are predicted costs 3 % of the bytes and saves a fifth of the time.
pub(super) const PICTURE: [&str; 22] = [
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

/// A piece that others follow: pictures are coded in their order. Else they would be decoded before they are shown, by as
/// much as lies between the first of them, and so before the last of the piece before where they come closer together.
pub(super) const NO_REORDERING: [&str; 2] = ["-bf", "0"];

/// Milliseconds, as FFmpeg takes a time.
pub(super) fn seconds_of(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// What is read. Names are from the folder on.
pub(super) fn inputs_of(files: &[&RecordingFile]) -> Vec<String> {
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

pub(super) fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}
