//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use reqwest::Url;

use crate::impair::Profile;
use crate::report::Limits;
use crate::scenario::Scenario;

/// Lets a crowd of simulated participants into a running server, and measures what becomes of their packets.
///
/// Each participant joins over REST and signaling, connects by ICE and DTLS, sends packets shaped like VP8 and Opus
/// with the time of sending inside, and counts and times what it receives.
///
/// Ends with exit code
/// 0 when all was well;
/// 1 when somebody could not join or was dropped, less was sent than planned, more was lost or less arrived than the limits
///   allow, a recording failed or lacks what was sent, those who came and went left actors behind, or more than 24 open
///   files, or memory that grew by a tenth and 8 MiB; when no number of viewers had good quality (--find-capacity); or when
///   nothing could be played, or the result not be written in the end;
/// 2 when what was asked for makes no sense: nothing was played;
/// 3 when the harness itself could not keep up (VOID): its packets left, or one of its threads acted, more than 20 ms late
///   (p99), so figures mean nothing; limits that are given are judged all the same.
#[derive(Debug, Parser)]
#[command(name = "calls-loadtest", version, verbatim_doc_comment)]
pub(crate) struct Args {
    /// The server; plain http, since the load should meet the server and not a proxy.
    #[arg(long, env = "CALLS_URL", default_value = "http://127.0.0.1:8080", value_parser = url)]
    pub(crate) url: Url,

    /// What the crowd does, as in loadtest/scenarios/.
    #[arg(long, value_name = "FILE", required_unless_present = "serve_floor")]
    pub(crate) scenario: Option<PathBuf>,

    /// Who is measured: our server, or Janus by the WebSocket API of its `VideoRoom`, at `ws://ADDRESS:8188`.
    #[arg(long, value_enum, default_value_t = Target::Calls)]
    pub(crate) target: Target,

    /// Plays the scenario again and again, to find the most viewers of one room under 1 % loss and 50 ms latency (p99).
    #[arg(long, conflicts_with_all = ["floor", "full", "impair", "max_loss", "min_delivered", "markdown"])]
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

    /// Lets those who only receive, or all where there are none such, come over a bad network. Loss and what arrives are
    /// then judged only where --max-loss and --min-delivered are given.
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

    /// Fail when a larger share of packets is lost: 0.01, which is meant where nothing is given, is 1 %.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub(crate) max_loss: Option<f64>,

    /// Fail when a smaller share of the packets that are expected arrives: 0.95, which is meant where nothing is given, is
    /// 95 %. Expected is what was sent, times those who were there to receive it.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub(crate) min_delivered: Option<f64>,
}

/// Who is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Target {
    /// This project's server.
    Calls,
    /// Janus, whose `VideoRoom` does the same work.
    Janus,
}

/// What was asked for makes no sense.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Senseless {
    /// Encryption is the proxy's business, and Janus speaks through sockets.
    #[error(
        "--url must begin with {wanted}://, not {given}://: it is the server's own address, behind any proxy"
    )]
    Scheme {
        /// What can be measured.
        wanted: &'static str,
        /// What was given.
        given: String,
    },
    /// The floor has no joins.
    #[error(
        "--floor cannot be compared where people come and go (\"churn\" in the scenario): at the floor nobody does"
    )]
    FloorWithChurn,
    /// The crowd at Janus is simpler.
    #[error("--target janus knows no {0}")]
    NotAtJanus(&'static str),
}

impl Args {
    /// What this run is judged by.
    pub(crate) fn limits(&self) -> Limits {
        Limits::of(self.max_loss, self.min_delivered, self.impair.is_some())
    }

    /// Whether it can be played as asked for.
    pub(crate) fn fits(&self, scenario: &Scenario) -> Result<(), Senseless> {
        let wanted = match self.target {
            Target::Calls => "http",
            Target::Janus => "ws",
        };
        if self.url.scheme() != wanted {
            let given = self.url.scheme().to_owned();
            return Err(Senseless::Scheme { wanted, given });
        }
        if self.floor && scenario.churn.is_some() {
            return Err(Senseless::FloorWithChurn);
        }
        if self.target == Target::Janus {
            let asked = [
                (self.floor, "--floor"),
                (self.full, "--full"),
                (self.find_capacity, "--find-capacity"),
                (self.impair.is_some(), "--impair"),
                (scenario.churn.is_some(), "scenario with churn"),
                (scenario.record.is_some(), "scenario with recordings"),
                (scenario.is_simulcast(), "scenario with simulcast"),
            ];
            if let Some((_, what)) = asked.into_iter().find(|(asked, _)| *asked) {
                return Err(Senseless::NotAtJanus(what));
            }
        }
        Ok(())
    }
}

/// A share of a whole.
fn share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>();
    let share = share.map_err(|_| "a share is a number from 0 to 1: 0.01 is 1 %".to_owned())?;
    if (0.0..=1.0).contains(&share) {
        Ok(share)
    } else {
        Err(format!("a share is 0 to 1: {share} % is {}", share / 100.0))
    }
}

/// An address; that of a server without a scheme would be taken for one whose scheme is the server's name.
fn url(text: &str) -> Result<Url, String> {
    if text.contains("://") {
        text.parse().map_err(|error| format!("{error}"))
    } else {
        Err(format!("it has no scheme: write http://{text}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    use crate::scenario::tests::meeting;
    use crate::scenario::{Churn, Video};

    fn parsed(arguments: &[&str]) -> Result<Args, String> {
        let always = ["calls-loadtest", "--scenario", "x.toml"];
        let all = always.iter().chain(arguments);
        Args::try_parse_from(all).map_err(|error| error.to_string())
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_percentage_is_no_share() {
        assert_eq!(
            parsed(&["--max-loss", "0.05"]).unwrap().max_loss,
            Some(0.05)
        );
        for (given, wanted) in [
            ("5", "a share is 0 to 1: 5 % is 0.05"),
            ("1.01", "a share is 0 to 1"),
            ("-0.1", "a share is 0 to 1"),
            ("nan", "a share is 0 to 1"),
            ("1%", "0.01 is 1 %"),
        ] {
            for option in ["--max-loss", "--min-delivered"] {
                let refused = parsed(&[&format!("{option}={given}")]).unwrap_err();
                assert!(refused.contains(wanted), "{given}: {refused}");
            }
        }
    }

    #[test]
    fn a_search_for_the_capacity_takes_nothing_that_it_would_not_heed() {
        for other in [
            &["--floor"][..],
            &["--full"],
            &["--impair", "3g"],
            &["--max-loss", "0.1"],
            &["--min-delivered", "0.5"],
            &["--markdown", "x.md"],
        ] {
            let refused = parsed(&[&["--find-capacity"], other].concat()).unwrap_err();
            assert!(refused.contains("cannot be used with"), "{refused}");
        }
        assert!(parsed(&["--find-capacity", "--json", "x.json"]).is_ok());
    }

    #[test]
    fn an_address_without_a_scheme_is_told_which() {
        for given in ["localhost:8080", "127.0.0.1:8080", "calls.example"] {
            let refused = parsed(&["--url", given]).unwrap_err();
            assert!(
                refused.contains(&format!("write http://{given}")),
                "{refused}"
            );
        }
    }

    #[test]
    fn what_cannot_be_played_together_is_refused_and_named() {
        let refused = |arguments: &[&str], scenario: &Scenario| {
            let fits = parsed(arguments).unwrap().fits(scenario);
            fits.map_err(|senseless| senseless.to_string())
        };
        assert_eq!(refused(&["--floor"], &meeting()), Ok(()));
        let comes_and_goes = Scenario {
            churn: Some(Churn {
                stay_seconds: 2,
                vanish_share: 0.0,
                restart_share: 0.0,
            }),
            ..meeting()
        };
        let said = refused(&["--floor"], &comes_and_goes).unwrap_err();
        assert!(said.starts_with("--floor cannot be compared"), "{said}");
        let said = refused(&["--url", "https://calls.example"], &meeting()).unwrap_err();
        assert!(
            said.starts_with("--url must begin with http://, not https://"),
            "{said}"
        );

        let janus = ["--target", "janus", "--url", "ws://10.0.0.1:8188"];
        assert_eq!(refused(&janus, &meeting()), Ok(()));
        assert_eq!(
            refused(&[&janus[..], &["--impair", "3g"]].concat(), &meeting()),
            Err("--target janus knows no --impair".to_owned()),
        );
        let simulcast = Scenario {
            video: meeting().video.map(|video| Video { layers: 3, ..video }),
            ..meeting()
        };
        assert_eq!(
            refused(&janus, &simulcast),
            Err("--target janus knows no scenario with simulcast".to_owned()),
        );
    }
}
