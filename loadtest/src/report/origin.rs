//! Where and by what a result was measured, so that it can be compared with another.

use std::path::{Path, PathBuf};

use chrono::DateTime;
use serde::Serialize;

/// Where and by what a result was measured.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Provenance {
    /// The command line, paths from where it was given.
    pub(crate) command: String,
    /// What was built, as `CALLS_COMMIT` says; null where it says nothing. Neither program knows, and the repository that
    /// one lies in may have moved on since it was built.
    pub(crate) commit: Option<String>,
    /// The harness is a debug build: it costs more, and is late sooner.
    pub(crate) harness_is_debug_build: bool,
    /// Seconds since 1970.
    pub(crate) unix_time: u64,
    /// Processors that this process may use.
    pub(crate) cores: usize,
    /// What they are.
    pub(crate) cpu: Option<String>,
    /// The kernel.
    pub(crate) kernel: Option<String>,
}

impl Provenance {
    /// This run, on this machine.
    pub(crate) fn here() -> Self {
        let read = |path| std::fs::read_to_string(path).ok();
        let since_1970 = std::time::SystemTime::UNIX_EPOCH
            .elapsed()
            .unwrap_or_default();
        Self {
            command: command(std::env::args(), &here()),
            commit: told(std::env::var("CALLS_COMMIT").ok()),
            harness_is_debug_build: cfg!(debug_assertions),
            unix_time: since_1970.as_secs(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            cpu: read("/proc/cpuinfo").and_then(|text| cpu_model(&text)),
            kernel: read("/proc/sys/kernel/osrelease").map(|text| text.trim().to_owned()),
        }
    }

    /// When it was measured, and at which commit.
    pub(crate) fn when_and_of_what(&self) -> String {
        let commit = match &self.commit {
            Some(commit) => format!("commit {commit}"),
            None => "an unknown commit".to_owned(),
        };
        format!("at {commit}, {}", utc(self.unix_time))
    }
}

/// Seconds since 1970, as people write them.
pub(super) fn utc(unix_time: u64) -> String {
    let seconds = i64::try_from(unix_time).unwrap_or(i64::MAX);
    DateTime::from_timestamp(seconds, 0).map_or("at an unknown time".to_owned(), |date| {
        date.format("%F %H:%M UTC").to_string()
    })
}

/// What somebody said, and not merely left empty.
fn told(commit: Option<String>) -> Option<String> {
    commit.filter(|commit| !commit.is_empty())
}

fn cpu_model(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo
        .lines()
        .find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// A path as it is from the current folder, where it lies below that: where a repository lies on one machine tells nobody
/// anything.
pub(crate) fn from_here(path: &Path) -> &Path {
    below(path, &here())
}

fn here() -> PathBuf {
    std::env::current_dir().unwrap_or_default()
}

fn below<'a>(path: &'a Path, folder: &Path) -> &'a Path {
    let rest = path.strip_prefix(folder).unwrap_or(path);
    if path.is_absolute() && rest != Path::new("") {
        rest
    } else {
        path
    }
}

/// The command line, less the API key and where `folder` lies. An option may have its path behind a `=`.
fn command(arguments: impl Iterator<Item = String>, folder: &Path) -> String {
    let relative = |argument: String| {
        let at = argument.find('=').map_or(0, |at| at + 1);
        let at = if argument.starts_with("--") { at } else { 0 };
        let (option, value) = argument.split_at(at);
        format!("{option}{}", below(Path::new(value), folder).display())
    };
    let arguments: Vec<_> = without_key(arguments).into_iter().map(relative).collect();
    arguments.join(" ")
}

/// The arguments, less the API key.
fn without_key(arguments: impl Iterator<Item = String>) -> Vec<String> {
    let mut key_follows = false;
    let keep = |argument: String| {
        let is_key = std::mem::replace(&mut key_follows, argument == "--key");
        if is_key || argument.starts_with("--key=") {
            "***".to_owned()
        } else {
            argument
        }
    };
    arguments.map(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_on_the_command_line_stays_out_of_the_report() {
        let arguments = [
            "x",
            "--key",
            "calls_secret",
            "--key=calls_secret",
            "--json",
            "y",
        ];
        let shown = without_key(arguments.into_iter().map(str::to_owned));
        assert_eq!(shown, ["x", "--key", "***", "***", "--json", "y"]);
    }

    #[test]
    fn where_the_current_folder_lies_stays_out_of_the_report() {
        let arguments = [
            "/home/ada/calls/target/release/calls-loadtest",
            "--scenario",
            "/home/ada/calls/loadtest/scenarios/pairs.toml",
            "--json=/home/ada/calls/x.json",
            "--markdown",
            "/home/ada/calls-2/x.md",
            "--url",
            "http://127.0.0.1:80",
        ];
        let command = command(
            arguments.into_iter().map(str::to_owned),
            Path::new("/home/ada/calls"),
        );
        let wanted = "target/release/calls-loadtest --scenario loadtest/scenarios/pairs.toml --json=x.json \
                      --markdown /home/ada/calls-2/x.md --url http://127.0.0.1:80";
        assert_eq!(command, wanted);
        let path = std::env::current_dir().unwrap().join("target/debug/calls");
        assert_eq!(from_here(&path), Path::new("target/debug/calls"));
    }

    #[test]
    fn a_commit_that_nobody_told_is_unknown() {
        let mut provenance = Provenance::here();
        provenance.unix_time = 1_796_000_000;
        for (said, wanted) in [
            (
                Some("abc1234-dirty"),
                "at commit abc1234-dirty, 2026-11-30 00:53 UTC",
            ),
            (Some(""), "at an unknown commit, 2026-11-30 00:53 UTC"),
            (None, "at an unknown commit, 2026-11-30 00:53 UTC"),
        ] {
            provenance.commit = told(said.map(str::to_owned));
            assert_eq!(provenance.when_and_of_what(), wanted);
        }
    }

    #[test]
    fn the_processor_has_a_name() {
        assert_eq!(
            cpu_model("a\t: b\nmodel name\t: Fast One\n"),
            Some("Fast One".into())
        );
    }
}
