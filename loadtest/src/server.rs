//! What the server costs: CPU time and memory, from the kernel where it runs beside us, else from its own metrics.

mod process;

use std::time::{Duration, UNIX_EPOCH};

use nix::time::ClockId;
use nix::unistd::Pid;
use serde::Serialize;

use crate::api::Api;
use crate::report::from_here;

pub(crate) use self::process::{Known, NotTheServer, listens};

/// What was used up to now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Usage {
    /// CPU time, user and system.
    pub(crate) cpu: Duration,
    /// Resident memory.
    pub(crate) rss_bytes: u64,
    /// Of that, what the process holds itself: pages of files, its own program's with them, come and go as the system likes.
    pub(crate) anonymous_bytes: Option<u64>,
}

/// Where usage is read.
#[derive(Debug, Clone)]
pub(crate) enum Gauge {
    /// A process on this machine.
    Process(u32),
    /// The server's `/metrics`.
    Metrics(Api),
}

/// Where the figures come from, for the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Origin {
    /// `/proc`.
    Process,
    /// `/metrics`.
    Metrics,
}

impl Gauge {
    /// Reads it now; none where it does not say.
    pub(crate) async fn read(&self) -> Option<Usage> {
        match self {
            Self::Process(pid) => {
                let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
                Some(Usage {
                    cpu: cpu_of(*pid)?,
                    rss_bytes: memory_of_status(&status, "VmRSS:")?,
                    anonymous_bytes: memory_of_status(&status, "RssAnon:"),
                })
            }
            Self::Metrics(api) => usage_of_metrics(&api.metrics().await.ok()?),
        }
    }

    /// Resident memory, where that costs no request.
    pub(crate) fn rss_mib(&self) -> Option<f64> {
        let Self::Process(pid) = self else {
            return None;
        };
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let bytes = memory_of_status(&status, "VmRSS:")?;
        #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 bytes")]
        let bytes = bytes as f64;
        Some(bytes / f64::from(1 << 20))
    }

    /// Open files, where they can be counted.
    pub(crate) fn files(&self) -> Option<usize> {
        let Self::Process(pid) = self else {
            return None;
        };
        Some(std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count())
    }

    /// The measured process's program, where it runs on this machine and may be looked at; from the current folder, where it
    /// lies below that.
    pub(crate) fn program(&self) -> Option<String> {
        let Self::Process(pid) = self else {
            return None;
        };
        let program = std::fs::read_link(format!("/proc/{pid}/exe")).ok()?;
        Some(from_here(&program).display().to_string())
    }

    /// When the file of that program was written, in seconds since 1970: of the one that runs, whatever lies in its place by
    /// now.
    pub(crate) fn written(&self) -> Option<u64> {
        let Self::Process(pid) = self else {
            return None;
        };
        let program = std::fs::metadata(format!("/proc/{pid}/exe")).ok()?;
        let since_1970 = program.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        Some(since_1970.as_secs())
    }

    /// Where it reads.
    pub(crate) fn origin(&self) -> Origin {
        match self {
            Self::Process(_) => Origin::Process,
            Self::Metrics(_) => Origin::Metrics,
        }
    }
}

/// `utime` and `stime` of proc(5) together, to the nanosecond: there they are rounded to 10 ms, several percent of what the floor
/// takes in ten seconds.
fn cpu_of(pid: u32) -> Option<Duration> {
    let pid = Pid::from_raw(i32::try_from(pid).ok()?);
    let clock = ClockId::pid_cpu_clock_id(pid).ok()?;
    Some(clock.now().ok()?.into())
}

fn memory_of_status(status: &str, kind: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(kind))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

fn usage_of_metrics(text: &str) -> Option<Usage> {
    let value = |name: &str| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
        line.trim().parse::<f64>().ok()
    };
    let rss = value("process_resident_memory_bytes")?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a size in bytes"
    )]
    let rss_bytes = rss as u64;
    let cpu = Duration::try_from_secs_f64(value("process_cpu_seconds_total")?).ok()?;
    Some(Usage {
        cpu,
        rss_bytes,
        anonymous_bytes: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_what_the_process_used_and_finer_than_a_tick() {
        let used = || cpu_of(std::process::id()).unwrap();
        let before = used();
        let mut later = std::iter::repeat_with(used).filter(|after| *after > before);
        assert!(later.any(|after| after.subsec_nanos() % 10_000_000 != 0));
        let above_all = (1 << 22) + 1; // proc(5): PID_MAX_LIMIT
        assert_eq!(cpu_of(above_all), None);
    }

    #[test]
    fn memory_is_in_kibibytes() {
        let status = "Name:\tcalls\nVmRSS:\t   2048 kB\nRssAnon:\t    1024 kB\n";
        assert_eq!(memory_of_status(status, "VmRSS:"), Some(2_097_152));
        assert_eq!(memory_of_status(status, "RssAnon:"), Some(1_048_576));
    }

    #[test]
    fn metrics_say_both_or_nothing() {
        let text = "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 1.5\n\
                    process_resident_memory_bytes 1e6\n";
        let usage = Usage {
            cpu: Duration::from_millis(1500),
            rss_bytes: 1_000_000,
            anonymous_bytes: None,
        };
        assert_eq!(usage_of_metrics(text), Some(usage));
        assert_eq!(usage_of_metrics("calls_rooms 1\n"), None);
    }

    #[tokio::test]
    async fn this_very_process_can_be_read() {
        let usage = Gauge::Process(std::process::id()).read().await.unwrap();
        let program = Gauge::Process(std::process::id()).program().unwrap();
        assert!(program.contains("calls_loadtest"), "{program}");
        let written = Gauge::Process(std::process::id()).written().unwrap();
        let now = UNIX_EPOCH.elapsed().unwrap().as_secs();
        assert!((1..=now).contains(&written), "{written}");
        assert!((1..=usage.rss_bytes).contains(&usage.anonymous_bytes.unwrap()));
    }
}
