//! Where and by what a result was measured, so that it can be compared with another.

use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::DateTime;
use serde::Serialize;

/// Where and by what a result was measured.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Provenance {
    /// The command line, paths from where it was given.
    pub(crate) command: String,
    /// The commit: what `CALLS_COMMIT` says, or else that of the repository which the harness's program lies in.
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
            commit: commit(),
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
        let seconds = i64::try_from(self.unix_time).unwrap_or(i64::MAX);
        let date = DateTime::from_timestamp(seconds, 0)
            .map_or("at an unknown time".to_owned(), |date| {
                date.format("%F %H:%M UTC").to_string()
            });
        format!("at {commit}, {date}")
    }
}

fn commit() -> Option<String> {
    let told = std::env::var("CALLS_COMMIT").ok();
    told.filter(|commit| !commit.is_empty())
        .or_else(|| commit_of(std::env::current_exe().ok()?.parent()?))
}

/// What git calls the state of the repository that this folder is in.
fn commit_of(folder: &Path) -> Option<String> {
    let mut git = Command::new("git");
    let described = git
        .arg("-C")
        .arg(folder)
        .args(["describe", "--always", "--dirty"])
        .output()
        .ok()?;
    let commit = String::from_utf8(described.stdout).ok()?.trim().to_owned();
    (described.status.success() && !commit.is_empty()).then_some(commit)
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
    fn who_is_in_no_repository_has_no_commit() {
        assert_eq!(commit_of(Path::new("/proc")), None);
    }

    #[test]
    fn the_processor_has_a_name() {
        assert_eq!(
            cpu_model("a\t: b\nmodel name\t: Fast One\n"),
            Some("Fast One".into())
        );
    }
}
