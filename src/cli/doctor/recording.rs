//! What recordings need: a folder with room in it, FFmpeg with its coders, and the bucket where there is one.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::fs::{Access, access};

use super::Finding;
use crate::config::{Recording, Storage};
use crate::recording::{DiskStudio, Storages};

/// How long the bucket may take to answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// Coders that recordings in one file are made with.
const CODERS: [&str; 2] = ["libx264", "aac"];

/// What FFmpeg has to lay pictures and names on each other, and to mix voices.
const FILTERS: [&str; 4] = ["overlay", "drawtext", "amix", "alimiter"];

pub(super) fn examine(config: &Recording) -> [Finding; 2] {
    [disk(config), ffmpeg(&config.ffmpeg)]
}

/// Looks at the folder, or where it will be made.
fn disk(config: &Recording) -> Finding {
    let folder = &config.folder;
    let there = folder.ancestors().find(|path| path.exists());
    let there = there.filter(|path| !path.as_os_str().is_empty());
    let there = there.unwrap_or(Path::new("."));
    let studio = DiskStudio::new(there.to_owned(), config.min_free_mb, config.most);
    let what = format!("recording.folder: {}", folder.display());
    let writable = if there.is_dir() {
        access(there, Access::WRITE_OK | Access::EXEC_OK).map_err(io::Error::from)
    } else {
        Err(io::ErrorKind::NotADirectory.into())
    };
    let min_free = config.min_free_mb;
    match writable.and_then(|()| studio.free_mb()) {
        Ok(free) if free < min_free => Finding::Odd(
            format!("{what} has {free} MB free, {min_free} MB stay free"),
            "No recording begins there: make room, choose another disk, or lower recording.min_free_mb.",
        ),
        Ok(free) => Finding::Good(format!(
            "{what} can be written to; it has {free} MB free, {min_free} MB stay free"
        )),
        Err(error) => Finding::Bad(
            format!("{what}: {}: {error}", there.display()),
            "No recording begins there: name a folder that this user can write to.",
        ),
    }
}

/// Whether the bucket takes recordings, or why not; nothing where there is none.
pub(super) async fn ask_bucket(config: &Storage) -> Option<Result<(), String>> {
    let asked = async {
        match Storages::ask_bucket(config).await {
            Ok(there) => there.then_some(Ok(())),
            Err(error) => Some(Err(error.to_string())),
        }
    };
    let late = |_| {
        let seconds = ANSWERS_WITHIN.as_secs();
        Some(Err(format!("no answer came within {seconds} s")))
    };
    let answered = tokio::time::timeout(ANSWERS_WITHIN, asked).await;
    answered.unwrap_or_else(late)
}

fn ffmpeg(program: &str) -> Finding {
    let what = format!("recording.ffmpeg: {program}");
    let Some(version) = said(program, "-version") else {
        return Finding::Odd(
            format!("{what} cannot be run"),
            "Recordings of mode `tracks` need none; the others fail. Install ffmpeg, or name its path.",
        );
    };
    let has = |list: Option<String>, word: &str| {
        list.is_some_and(|list| list.split_whitespace().any(|one| one == word))
    };
    let coders = said(program, "-encoders");
    let filters = said(program, "-filters");
    let missing: Vec<&str> = (CODERS
        .into_iter()
        .filter(|coder| !has(coders.clone(), coder)))
    .chain(
        FILTERS
            .into_iter()
            .filter(|filter| !has(filters.clone(), filter)),
    )
    .collect();
    let version = version.split_whitespace().nth(2).unwrap_or("?").to_owned();
    if missing.is_empty() {
        Finding::Good(format!(
            "{what} is version {version}, with all that it needs"
        ))
    } else {
        Finding::Odd(
            format!("{what} has no {}", missing.join(", ")),
            "Recordings in one file fail: install an FFmpeg that was built with them, as Debian's is.",
        )
    }
}

/// What it prints, if it can be run.
fn said(program: &str, argument: &str) -> Option<String> {
    let ran = Command::new(program)
        .args(["-hide_banner", argument])
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    ran.status.success().then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ffmpeg_is_told_of_where_it_is_and_where_it_is_not() {
        assert!(
            matches!(ffmpeg("ffmpeg"), Finding::Good(_)),
            "{:?}",
            ffmpeg("ffmpeg")
        );
        assert!(matches!(ffmpeg("/nowhere/ffmpeg"), Finding::Odd(..)));
        assert!(
            matches!(ffmpeg("true"), Finding::Odd(..)),
            "it has no coders"
        );
    }

    #[test]
    fn a_disk_with_too_little_room_is_odd() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = crate::config::Config::load(None).unwrap().recording;
        config.folder = folder.path().join("not/there/yet");
        config.min_free_mb = 0;
        assert!(matches!(disk(&config), Finding::Good(_)));
        config.min_free_mb = 1 << 40;
        assert!(matches!(disk(&config), Finding::Odd(..)));
        assert!(!config.folder.exists(), "it changes nothing");
    }
}
