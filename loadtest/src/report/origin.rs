//! Where and by what a result was measured, so that it can be compared with another.

use serde::Serialize;

/// Where and by what a result was measured.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Provenance {
    /// The command line.
    pub(crate) command: String,
    /// The commit of the harness, where `CALLS_COMMIT` says it.
    pub(crate) commit: Option<String>,
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
            command: without_key(std::env::args()).join(" "),
            commit: std::env::var("CALLS_COMMIT").ok(),
            unix_time: since_1970.as_secs(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            cpu: read("/proc/cpuinfo").and_then(|text| cpu_model(&text)),
            kernel: read("/proc/sys/kernel/osrelease").map(|text| text.trim().to_owned()),
        }
    }
}

fn cpu_model(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo
        .lines()
        .find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
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
    fn the_processor_has_a_name() {
        assert_eq!(
            cpu_model("a\t: b\nmodel name\t: Fast One\n"),
            Some("Fast One".into())
        );
    }
}
