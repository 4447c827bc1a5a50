//! What the process itself costs, as Linux tells it in `/proc`.

use std::fs;

use metrics::gauge;

use super::names::{CPU_SECONDS, OPEN_FILES, RESIDENT_BYTES};

/// Kernel clock ticks a second: fixed at 100 for all of user space (`proc(5)`, `USER_HZ`).
const TICKS: f64 = 100.0;

/// Puts today's numbers into the gauges. Where there is no `/proc`, there are no numbers.
pub(super) fn measure() {
    if let Some(bytes) = fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|s| resident(&s))
    {
        gauge!(RESIDENT_BYTES).set(bytes);
    }
    if let Ok(files) = fs::read_dir("/proc/self/fd") {
        let count = u32::try_from(files.count()).unwrap_or(u32::MAX);
        gauge!(OPEN_FILES).set(count);
    }
}

/// Processor time in Prometheus' words; nothing where there is no `/proc`. A counter of the crate `metrics` counts whole
/// seconds only.
pub(super) fn cpu() -> String {
    let stat = fs::read_to_string("/proc/self/stat").ok();
    let seconds = stat.and_then(|stat| cpu_seconds(&stat));
    seconds.map_or_else(String::new, |seconds| {
        format!(
            "# HELP {CPU_SECONDS} Processor time used, all threads.\n\
             # TYPE {CPU_SECONDS} counter\n{CPU_SECONDS} {seconds}\n\n"
        )
    })
}

/// `utime` and `stime` are the 14th and 15th field; the second is in parentheses and may hold blanks.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS)
}

fn resident(status: &str) -> Option<f64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_read_past_an_odd_program_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 900 0 0 0 150 50 0 0 20 0 4 0 100 1 1";
        assert_eq!(cpu_seconds(stat), Some(2.0));
        assert_eq!(cpu_seconds(""), None);
    }

    #[test]
    fn memory_is_read_in_bytes() {
        assert_eq!(resident("Name:\tx\nVmRSS:\t  10 kB\n"), Some(10_240.0));
        assert_eq!(resident("Name:\tx\n"), None);
    }
}
