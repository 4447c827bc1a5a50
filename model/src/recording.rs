//! A recording: what of a call is kept, how it stands, and what came of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{CallId, DisplayName, Language, ParticipantId, RecordingId, Source, Timestamp, UserId};

/// What a recording is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordingMode {
    /// All voices, mixed to one file.
    Audio,
    /// All voices mixed, and the pictures side by side, in one file; the same as `composite` in a grid without names.
    Video,
    /// One file as a viewer would have seen the call: pictures in a layout with names, voices mixed.
    Composite,
    /// One file for each track, as it was sent.
    Tracks,
}

impl RecordingMode {
    /// It is made one file with pictures, so `layout` and `live` mean something.
    pub fn has_pictures(self) -> bool {
        match self {
            Self::Video | Self::Composite => true,
            Self::Audio | Self::Tracks => false,
        }
    }
}

/// How pictures are arranged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// All of the same size.
    #[default]
    Grid,
    /// Who speaks is large, the others stand beside.
    Speaker,
    /// A shared screen is large, faces stand beside; a grid where nobody shares one.
    ScreenFirst,
}

/// How a recording stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordingStatus {
    /// Asked for; nothing is on disk yet.
    Requested,
    /// It records.
    Active,
    /// It has stopped, and its files are being finished.
    Processing,
    /// Its files are on their way to where they are kept.
    Uploading,
    /// Its files can be had.
    Available,
    /// Nothing came of it; `error` says why.
    Failed,
}

/// What may happen to a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordingInput {
    /// The first packet is on disk.
    Start,
    /// Nothing more is recorded.
    Stop,
    /// The files are whole.
    Finish,
    /// The files are where they are kept.
    Store,
    /// It is made once more, from what it is made of: with another layout, or because the disk gave back something else.
    Compose,
    /// It cannot go on.
    Fail,
}

/// A recording has no such arrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a recording that is {status:?} cannot {input:?}")]
pub struct IllegalRecordingMove {
    /// How it stands.
    pub status: RecordingStatus,
    /// What was tried.
    pub input: RecordingInput,
}

impl RecordingStatus {
    /// ```text
    /// Requested ──Start──▶ Active ──Stop──▶ Processing ──Finish──▶ Uploading ──Store──▶ Available
    ///     └─Stop─▶ Processing                   ▲─────Compose──────┴────────Compose───────┘
    /// every one of them but Available ──Fail──▶ Failed
    /// ```
    ///
    /// # Errors
    ///
    /// There is no such arrow.
    pub fn on(self, input: RecordingInput) -> Result<Self, IllegalRecordingMove> {
        use RecordingInput as Input;
        match (self, input) {
            (Self::Requested, Input::Start) => Ok(Self::Active),
            (Self::Requested | Self::Active, Input::Stop) => Ok(Self::Processing),
            (Self::Processing, Input::Stop) => Ok(self), // stopping twice is polite
            (Self::Processing, Input::Finish) => Ok(Self::Uploading),
            (Self::Uploading, Input::Store) => Ok(Self::Available),
            (Self::Uploading | Self::Available, Input::Compose) => Ok(Self::Processing),
            (
                Self::Requested | Self::Active | Self::Processing | Self::Uploading | Self::Failed,
                Input::Fail,
            ) => Ok(Self::Failed),
            (Self::Available, Input::Fail)
            | (Self::Active | Self::Processing | Self::Uploading | Self::Available, Input::Start)
            | (Self::Uploading | Self::Available, Input::Stop)
            | (Self::Requested | Self::Active | Self::Uploading | Self::Available, Input::Finish)
            | (Self::Requested | Self::Active | Self::Processing | Self::Available, Input::Store)
            | (Self::Requested | Self::Active | Self::Processing, Input::Compose)
            | (
                Self::Failed,
                Input::Start | Input::Stop | Input::Finish | Input::Store | Input::Compose,
            ) => Err(IllegalRecordingMove {
                status: self,
                input,
            }),
        }
    }

    /// Somebody records it, or did until a crash.
    pub fn is_recorded(self) -> bool {
        matches!(self, Self::Requested | Self::Active)
    }

    /// Something is still to come.
    pub fn is_unsettled(self) -> bool {
        !matches!(self, Self::Available | Self::Failed)
    }
}

/// A recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Recording {
    /// Its id.
    pub recording_id: RecordingId,
    /// Of which call.
    pub call_id: CallId,
    /// What it is made of.
    pub mode: RecordingMode,
    /// How it stands.
    pub status: RecordingStatus,
    /// It is paused: what is said now is not kept.
    pub paused: bool,
    /// How pictures are arranged, in the modes `video` and `composite`: of the file that can be had, where one can; else as
    /// was asked for.
    #[schema(required = true)]
    pub layout: Option<Layout>,
    /// How they will be arranged: there while the file is made once more with another layout. Where that fails, it goes, and
    /// `layout` stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_layout: Option<Layout>,
    /// Its picture is composed while it is recorded, so the file is there soon after the end.
    pub live: bool,
    /// Whom it is of; empty: everybody.
    pub participants: Vec<UserId>,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When the first packet was on disk, which is a moment after it came.
    #[schema(required = true)]
    pub started_at: Option<Timestamp>,
    /// When it begins: what the clock of the server said at 0 ms of its files, to the millisecond. Somewhat before `started_at`. Null until its
    /// files are made, and where an earlier version made them.
    #[serde(default)]
    #[schema(required = true)]
    pub begins_at: Option<Timestamp>,
    /// How long it is without its pauses, in whole seconds; of a recording that runs: until now.
    pub duration_seconds: u64,
    /// All its files together.
    pub size_bytes: u64,
    /// What can be had.
    pub files: Vec<RecordingFile>,
    /// How far its processing is, in percent; 100 when there is nothing left to do. Made once more, it begins at 0 again.
    pub progress: u8,
    /// Why it failed, what it still waits for, or why its tracks could not be made one file.
    #[schema(required = true)]
    pub error: Option<String>,
    /// How its transcript stands; null: nobody asked for one.
    #[serde(default)]
    #[schema(required = true)]
    pub transcript: Option<RecordingTranscript>,
}

impl Recording {
    /// How its pictures are to be arranged when it is made next.
    pub fn wanted_layout(&self) -> Option<Layout> {
        self.next_layout.or(self.layout)
    }
}

/// How the transcript of a recording stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TranscriptStatus {
    /// Asked for; others come first.
    Queued,
    /// It is being made.
    Processing,
    /// It is a file of the recording, of the kind `transcript`.
    Available,
    /// Nothing came of it; `error` says why.
    Failed,
}

/// A transcript that was asked for when the call was over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordingTranscript {
    /// How it stands.
    pub status: TranscriptStatus,
    /// What is understood.
    pub language: Language,
    /// The phrases that are listened for, where it is no free speech.
    pub phrases: Vec<String>,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// How far it is, in percent.
    pub progress: u8,
    /// How many utterances are in it, once it is available.
    #[schema(required = true)]
    pub utterances: Option<u64>,
    /// Why it failed, or what it still waits for.
    #[schema(required = true)]
    pub error: Option<String>,
}

/// What a file of a recording holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// One track, as it was sent.
    Track,
    /// All voices.
    Audio,
    /// All voices and pictures.
    Video,
    /// What was said, as `WebVTT`.
    Transcript,
}

impl FileKind {
    /// One file of all tracks.
    pub fn is_of_all(self) -> bool {
        matches!(self, Self::Audio | Self::Video)
    }
}

/// Where a file is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FilePlace {
    /// On the server's own disk.
    Local,
    /// In the bucket.
    Bucket,
}

/// One file of a recording. The times in it count from the beginning of the recording (`begins_at`), pauses cut out, so files
/// of one recording lie on each other as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordingFile {
    /// Its name, `file` of the download.
    pub name: String,
    /// What it holds.
    pub kind: FileKind,
    /// Whose presence, of a track.
    #[schema(required = true)]
    pub participant_id: Option<ParticipantId>,
    /// Whose, of a track.
    #[schema(required = true)]
    pub user_id: Option<UserId>,
    /// What they were called when they came in, of a track.
    #[serde(default)]
    #[schema(required = true)]
    pub display_name: Option<DisplayName>,
    /// What the track shows or carries.
    #[schema(required = true)]
    pub source: Option<Source>,
    /// How it is coded: `opus`, `vp8`, `vp9`, `h264`, `av1`, `aac`; several with a `+` between them.
    pub codec: String,
    /// Its media type.
    pub media_type: String,
    /// When its first frame is, in milliseconds of the recording: from its beginning, pauses cut out.
    pub start_ms: u64,
    /// From its first frame to the end of its last.
    pub duration_ms: u64,
    /// How large it is.
    pub size_bytes: u64,
    /// SHA-256 in lower-case hex.
    pub sha256: String,
    /// Where it is kept.
    pub place: FilePlace,
    /// Where it can be fetched for a while without other credentials; where it can be had and was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// How far a recording can be trusted: what of each track came, and what did not.
///
/// All times in it but those of `pauses` are of the recording as a player shows it: milliseconds from its beginning, pauses cut
/// out. There a pause has no length, so `pauses` are told as time went by: milliseconds from the beginning, pauses counted.
/// What is at `t` ms in a file was at `begins_at` + `t` + the lengths of all pauses before it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordingReport {
    /// When the recording begins: what the clock of the server said at 0 ms of its files, to the millisecond. Null where an earlier version
    /// made them.
    #[serde(default)]
    #[schema(required = true)]
    pub begins_at: Option<Timestamp>,
    /// What was lost to everybody at once: a crash of the recorder, or of the server. In milliseconds of the recording, pauses
    /// cut out.
    pub interruptions: Vec<Gap>,
    /// What was left out on purpose. In milliseconds as time went by: `begins_at` + `from_ms` is when it was paused. How long
    /// the pauses before one lasted has to be taken off, to find it in a file.
    pub pauses: Vec<Gap>,
    /// Each source of each presence, once, also where it is on several files or nothing came of it.
    pub tracks: Vec<TrackReport>,
    /// Lines of the recording's own log that the disk damaged: what they told of tracks, times and gaps is missing here. What
    /// the recording was written in stays on the server then, in its folder (`live`), until the recording is deleted.
    #[serde(default)]
    #[schema(required = true)]
    pub log_lines_unreadable: u64,
    /// Media files of which nobody knows whose they are, because the log is damaged. They are in none of `files`, and stay in
    /// `live` too.
    #[serde(default)]
    #[schema(required = true)]
    pub files_unknown: u64,
    /// Files that the disk gave back otherwise than they were made, and that could not be made anew: they are given out as they
    /// are, unless nothing is left of them.
    #[serde(default)]
    #[schema(required = true)]
    pub files_damaged: Vec<String>,
    /// Who took the floor, in order, by the levels that their packets carried (RFC 6464). In milliseconds of the recording,
    /// pauses cut out.
    #[serde(default)]
    pub turns: Vec<Turn>,
    /// How the pictures of the file of all tracks are arranged that can be had; null: there is none, or it has no
    /// pictures.
    #[serde(default)]
    #[schema(required = true)]
    pub layout: Option<Layout>,
    /// Why there is no file of all tracks where one was wanted, or only that of an earlier time.
    #[serde(default)]
    #[schema(required = true)]
    pub not_composed: Option<String>,
}

impl RecordingReport {
    /// Everything that was written could be read again.
    pub fn is_read_whole(&self) -> bool {
        let damaged = |gap: &Gap| gap.reason == Gap::DAMAGED;
        let whole =
            |track: &TrackReport| track.frames_unreadable == 0 && !track.gaps.iter().any(damaged);
        self.log_lines_unreadable == 0
            && self.files_unknown == 0
            && self.files_damaged.is_empty()
            && self.tracks.iter().all(whole)
    }
}

/// Somebody took the floor, and has it until the next one takes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Turn {
    /// When, in milliseconds of the recording, pauses cut out.
    pub from_ms: u64,
    /// Whose presence.
    pub participant_id: ParticipantId,
    /// Whose.
    pub user_id: UserId,
}

/// How far what somebody published of one source can be trusted, over all its tracks: whoever connects anew, or comes back
/// after a crash of the server, goes on with another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TrackReport {
    /// Whose presence.
    pub participant_id: ParticipantId,
    /// Whose.
    pub user_id: UserId,
    /// What it shows or carries.
    pub source: Source,
    /// Its files, in order: a crash, another codec or a new connection begins another. None: nothing was written.
    pub files: Vec<String>,
    /// Packets that came, of all encodings.
    pub packets_received: u64,
    /// Packets that never came, of all encodings, retransmissions included. What was sent while it was muted does not count.
    pub packets_lost: u64,
    /// Bursts that the recorder was too slow to take.
    pub bursts_dropped: u64,
    /// Frames that were written, apart from silence that was put in.
    pub frames_written: u64,
    /// Frames that were written and could not be read again: the disk damaged them. What they were written in stays on the
    /// server then, in the recording's folder (`live`), until the recording is deleted.
    #[serde(default)]
    #[schema(required = true)]
    pub frames_unreadable: u64,
    /// Silence that was put where no sound came (discontinuous transmission, loss), in milliseconds.
    pub silence_ms: u64,
    /// How far its clock ran from ours, which was made up for, in milliseconds.
    pub drift_ms: i64,
    /// Where something is missing between when it was published and the end of the recording, in order; of what was not lost,
    /// only what is missing for more than a moment. Those that follow each other for the same reason are one. In milliseconds
    /// of the recording, pauses cut out. What is in `interruptions` is not told here.
    pub gaps: Vec<Gap>,
}

/// A stretch of time of a recording, from its beginning. Pauses are cut out, but for a pause itself: before it they count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Gap {
    /// From here.
    pub from_ms: u64,
    /// To there; null: nobody knows.
    #[schema(required = true)]
    pub to_ms: Option<u64>,
    /// Why: `loss` (packets of it never came), `no_media` (nothing was sent: switched off, silent, without a connection, or a
    /// moment before another encoding of the picture takes over),
    /// `unpublished` (its publisher took it back: a screen that is not shared any more), `left` (its publisher left the call),
    /// `damaged` (the disk gave back something else than it was given), `recorder_crashed`, `server_stopped`, `paused`.
    pub reason: String,
}

impl Gap {
    /// The reason of one in which packets were lost.
    pub const LOSS: &str = "loss";
    /// The reason of one in which nothing was sent.
    pub const NO_MEDIA: &str = "no_media";
    /// The reason of one whose publisher took the track back.
    pub const UNPUBLISHED: &str = "unpublished";
    /// The reason of one whose publisher left the call.
    pub const LEFT: &str = "left";
    /// The reason of one that the disk made.
    pub const DAMAGED: &str = "damaged";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_goes_one_way_to_its_end() {
        use RecordingInput as Input;
        let way = [Input::Start, Input::Stop, Input::Finish, Input::Store];
        let end = way
            .into_iter()
            .try_fold(RecordingStatus::Requested, RecordingStatus::on);
        assert_eq!(end, Ok(RecordingStatus::Available));
    }

    #[test]
    fn what_can_be_had_does_not_fail_any_more() {
        let moved = RecordingStatus::Available.on(RecordingInput::Fail);
        assert!(moved.is_err());
        let moved = RecordingStatus::Failed.on(RecordingInput::Start);
        assert!(moved.is_err());
    }
}
