//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use reqwest::Url;

use crate::impair::Profile;

/// Lets a crowd of simulated participants into a running server, and measures what becomes of their packets.
///
/// Each participant joins over REST and signaling, connects by ICE and DTLS, sends packets shaped like VP8 and Opus
/// with the time of sending inside, and counts and times what it receives. Ends with an exit code other than 0 when
/// somebody could not join, nothing was forwarded, or a limit given below was passed.
#[derive(Debug, Parser)]
#[command(name = "calls-loadtest", version)]
pub(crate) struct Args {
    /// The server; plain http, since the load should meet the server and not a proxy.
    #[arg(long, env = "CALLS_URL", default_value = "http://127.0.0.1:8080")]
    pub(crate) url: Url,

    /// What the crowd does, as in loadtest/scenarios/.
    #[arg(long, value_name = "FILE", required_unless_present = "serve_floor")]
    pub(crate) scenario: Option<PathBuf>,

    /// Who is measured: our server, or Janus by the WebSocket API of its `VideoRoom`, at `ws://ADDRESS:8188`.
    #[arg(long, value_enum, default_value_t = Target::Calls)]
    pub(crate) target: Target,

    /// Plays the scenario again and again, to find the most viewers of one room under 1 % loss and 50 ms latency (p99).
    #[arg(long, conflicts_with_all = ["floor", "full"])]
    pub(crate) find_capacity: bool,

    /// Also plays the scenario through a plain UDP program that only opens, copies, seals and sends, and compares.
    #[arg(long)]
    pub(crate) floor: bool,

    /// Is that program: reads a plan from standard input.
    #[arg(long, hide = true)]
    pub(crate) serve_floor: bool,

    /// Participants of the `webrtc` crate instead of light ones: another implementation than the server's, and so heavy
    /// that some dozens keep a machine busy.
    #[arg(long)]
    pub(crate) full: bool,

    /// Lets those who only receive, or all where there are none such, come over a bad network.
    #[arg(long, value_enum, value_name = "NETWORK", conflicts_with = "full")]
    pub(crate) impair: Option<Profile>,

    /// What the accidents of bad networks are drawn from.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,

    /// Threads that carry the packets of light participants.
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    pub(crate) threads: usize,

    /// Where to write the result as JSON, beside the table.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Where to write the result as Markdown, with a picture of how it went over time beside it (.svg).
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,

    /// API key; a server that runs with --dev needs none.
    #[arg(long, env = "CALLS_KEY", hide_env_values = true)]
    pub(crate) key: Option<String>,

    /// Process id of the server, when it runs on this machine: its CPU time and memory are read from /proc.
    #[arg(long, env = "CALLS_PID", value_name = "PID")]
    pub(crate) server_pid: Option<u32>,

    /// Fail when a larger share of packets is lost.
    #[arg(long, value_name = "SHARE", default_value_t = 1.0)]
    pub(crate) max_loss: f64,

    /// Fail when a smaller share of what should be forwarded arrives.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub(crate) min_delivered: f64,
}

/// Who is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Target {
    /// This project's server.
    Calls,
    /// Janus, whose `VideoRoom` does the same work.
    Janus,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }
}
