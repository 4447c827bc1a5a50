//! The command line.

use std::num::NonZero;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use reqwest::Url;

use crate::impair::Profile;
use crate::report::Limits;
use crate::scenario::{Participants, Scenario};
use crate::server::{Known, NotTheServer, listens};

/// Lets a crowd of simulated participants into a running server, and measures what becomes of their packets.
///
/// Each participant joins over REST and signaling, connects by ICE and DTLS, sends packets shaped like VP8 and Opus
/// with the time of sending inside, and counts and times what it receives.
///
/// Ends with exit code
/// 0 when all was well, or --find-capacity found how many viewers have good quality;
/// 1 when somebody could not join or was dropped, less was sent than planned, more was lost or less arrived than the limits
///   allow, what arrived could not be opened, a recording failed, lacks what was sent or ended early, those who came and
///   went left actors behind, or more than 24 open files, or memory that grew by a tenth and 8 MiB, or a server that does
///   not answer any more; when no number of viewers had good quality
///   (--find-capacity), or the server was gone before that was found; when it was interrupted; or when nothing could be
///   played, or the result not be written in the end;
/// 2 when what was asked for makes no sense: nothing was played;
/// 3 when the harness itself could not keep up (VOID): its packets left, or one of its threads acted, more than 20 ms late
///   (p99), so figures mean nothing; limits that are given are judged all the same.
#[derive(Debug, Parser)]
#[command(
    name = "calls-loadtest",
    version,
    verbatim_doc_comment,
    override_usage = "calls-loadtest --scenario <FILE> [OPTIONS]"
)]
pub(crate) struct Args {
    /// The server; plain http, since the load should meet the server and not a proxy. What is played there stays in its
    /// history: calls, and recordings where the scenario makes them (smoke and recorded do).
    #[arg(long, env = "CALLS_URL", default_value = "http://127.0.0.1:8080", value_parser = url)]
    pub(crate) url: Url,

    /// What the crowd does, as in loadtest/scenarios/.
    #[arg(long, value_name = "FILE", required_unless_present = "serve_floor")]
    pub(crate) scenario: Option<PathBuf>,

    /// Who is measured: our server, or Janus by the WebSocket API of its `VideoRoom`, at `ws://ADDRESS:8188`.
    #[arg(long, value_enum, default_value_t = Target::Calls)]
    pub(crate) target: Target,

    /// Plays the scenario again and again, to find the most viewers of one room who have good quality: all joined and none
    /// was dropped, at least 95 % of what was planned was sent, less than 1 % was lost, more than 99 % of what was expected
    /// arrived, and latency was below 50 ms (p99). A crowd that has not is played once more before that counts. Ctrl+C ends
    /// the search, as a server does that is gone, and what it has found is told.
    #[arg(long, conflicts_with_all = ["floor", "full", "impair", "max_loss", "min_delivered", "markdown"])]
    pub(crate) find_capacity: bool,

    /// Plays nothing: only says whether it makes sense, whatever server it is.
    #[arg(long)]
    pub(crate) check: bool,

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
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = threads)]
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

    /// Process id of the server, when it runs on this machine: its CPU time and memory are read from /proc. It must be the
    /// process that listens at --url.
    #[arg(long, env = "CALLS_PID", value_name = "PID")]
    pub(crate) server_pid: Option<u32>,

    /// Fail when a larger share of packets is lost: 0.01, which is meant where nothing is given, is 1 %.
    #[arg(long, value_name = "SHARE", value_parser = share, allow_negative_numbers = true)]
    pub(crate) max_loss: Option<f64>,

    /// Fail when a smaller share of the packets that are expected arrives: 0.95, which is meant where nothing is given, is
    /// 95 %. Expected is what was sent, times those who were there to receive it.
    #[arg(long, value_name = "SHARE", value_parser = share, allow_negative_numbers = true)]
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

/// What a crowd of heavy participants is called.
const FULL: &str = "full participants (--full, or \"participants\" in the scenario)";

/// What a plain UDP program has nothing of.
const ABOVE_FLOOR: [&str; 5] = [
    "where people come and go (\"churn\" in the scenario): at the floor nobody does",
    "over a bad network (--impair): to the floor everybody's is good",
    "with simulcast (\"layers\" in the scenario): the floor forwards every packet, and chooses no encoding",
    "with recordings (\"record\" in the scenario): the floor makes none",
    "with full participants (--full, or \"participants\" in the scenario): at the floor they are light",
];

/// Where the limits of a search say nothing, or it would find the limit of something else.
const NO_SEARCH: [&str; 4] = [
    "where people come and go (\"churn\" in the scenario): of those it judges nothing",
    "with simulcast (\"layers\" in the scenario): no packets are expected of pictures there",
    "with recordings (\"record\" in the scenario): of those it judges nothing",
    "with full participants (\"participants\" in the scenario): it would find the limit of this program",
];

/// What the crowd at Janus cannot do.
const NOT_AT_JANUS: [&str; 7] = [
    "--floor",
    FULL,
    "--find-capacity",
    "--impair",
    "scenario with churn",
    "scenario with recordings",
    "scenario with simulcast",
];

/// What was asked for makes no sense.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Senseless {
    /// Encryption is the proxy's business.
    #[error(
        "--url must begin with http://, not {0}://: it is the server's own address, behind any proxy"
    )]
    Scheme(String),
    /// Janus speaks through sockets, and not where our server is by default.
    #[error(
        "--target janus needs --url ws://ADDRESS:8188, the address of its WebSocket, with an IPv4 address of its machine \
         that is not 127.0.0.1; {0} is none"
    )]
    JanusUrl(Url),
    /// The floor only forwards.
    #[error("--floor cannot be compared {0}")]
    AboveFloor(&'static str),
    /// A search judges packets by what is expected of each, of crowds that differ in nothing but their viewers.
    #[error("--find-capacity cannot search {0}")]
    NoSearch(&'static str),
    /// Networks are put before light participants.
    #[error("--impair knows no {FULL}: they have the network of this machine")]
    ImpairedFull,
    /// Figures of another process would be taken for the server's.
    #[error("--server-pid: {0}")]
    Process(NotTheServer),
    /// The crowd at Janus is simpler.
    #[error("--target janus knows no {0}")]
    NotAtJanus(&'static str),
}

impl Args {
    /// What this run is judged by.
    pub(crate) fn limits(&self) -> Limits {
        Limits::of(self.max_loss, self.min_delivered, self.impair.is_some())
    }

    /// Whether the server can be met, and its process is the one that was named.
    pub(crate) fn meets(&self) -> Result<Known, Senseless> {
        match (self.target, self.url.scheme()) {
            (Target::Calls, "http") | (Target::Janus, "ws") => {}
            (Target::Calls, other) => return Err(Senseless::Scheme(other.to_owned())),
            (Target::Janus, _) => return Err(Senseless::JanusUrl(self.url.clone())),
        }
        let at = self.url.host().zip(self.url.port_or_known_default());
        match (self.server_pid, at) {
            (Some(pid), Some((host, port))) => {
                listens(pid, &host, port).map_err(Senseless::Process)
            }
            _ => Ok(Known::Listens),
        }
    }

    /// Whether it can be played as asked for, whatever server it is.
    pub(crate) fn fits(&self, scenario: &Scenario) -> Result<(), Senseless> {
        let churn = scenario.churn.is_some();
        let record = scenario.record.is_some();
        let simulcast = scenario.is_simulcast();
        let full = self.full || scenario.participants == Participants::Full;
        let bad = self.impair.is_some();
        if self.floor {
            refuse(&ABOVE_FLOOR, [churn, bad, simulcast, record, full])
                .map_err(Senseless::AboveFloor)?;
        }
        if self.find_capacity {
            refuse(&NO_SEARCH, [churn, simulcast, record, full]).map_err(Senseless::NoSearch)?;
        }
        if self.target == Target::Janus {
            let asked = [
                self.floor,
                full,
                self.find_capacity,
                bad,
                churn,
                record,
                simulcast,
            ];
            refuse(&NOT_AT_JANUS, asked).map_err(Senseless::NotAtJanus)?;
        }
        if bad && full {
            return Err(Senseless::ImpairedFull);
        }
        Ok(())
    }
}

/// The first of these that was asked for.
fn refuse<const N: usize>(what: &[&'static str; N], asked: [bool; N]) -> Result<(), &'static str> {
    let refused = what.iter().zip(asked).find(|(_, asked)| *asked);
    refused.map_or(Ok(()), |(what, _)| Err(what))
}

/// A share of a whole.
fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        Ok(percent) if percent > 1.0 && percent <= 100.0 => Err(format!(
            "a share is a number from 0 to 1: {percent} % is {}",
            percent / 100.0
        )),
        _ => Err("a share is a number from 0 to 1: 0.01 is 1 %".to_owned()),
    }
}

/// A number of threads: without any nobody would be carried.
fn threads(text: &str) -> Result<usize, String> {
    let threads = text.parse::<NonZero<usize>>().map(NonZero::get);
    threads.map_err(|_| "it is a number, 1 at least".to_owned())
}

/// An address; that of a server without a scheme would be taken for one whose scheme is the server's name.
fn url(text: &str) -> Result<Url, String> {
    if !text.contains("://") {
        return Err(format!("it has no scheme: write http://{text}"));
    }
    let url: Url = text.parse().map_err(|error| format!("{error}"))?;
    let mut address = url.clone();
    address.set_path("");
    address.set_query(None);
    address.set_fragment(None);
    if url == address {
        Ok(url)
    } else {
        let address = address.as_str().trim_end_matches('/');
        Err(format!(
            "it is an address without a path, since where the API begins is known: write {address}"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    use calls_model::RecordingMode;

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
    fn a_wrong_word_is_told_that_there_are_others() {
        let refused = parsed(&["--json", "x.json", "--nosuch"]).unwrap_err();
        let usage = "Usage: calls-loadtest --scenario <FILE> [OPTIONS]\n";
        assert!(refused.contains(usage), "{refused}");
    }

    #[test]
    fn a_percentage_is_no_share() {
        assert_eq!(
            parsed(&["--max-loss", "0.05"]).unwrap().max_loss,
            Some(0.05)
        );
        for (given, wanted) in [
            ("5", "from 0 to 1: 5 % is 0.05"),
            ("1.01", "from 0 to 1"),
            ("-1", "from 0 to 1: 0.01 is 1 %"),
            ("nan", "from 0 to 1: 0.01 is 1 %"),
            ("inf", "from 0 to 1: 0.01 is 1 %"),
            ("1%", "0.01 is 1 %"),
        ] {
            for option in ["--max-loss", "--min-delivered"] {
                let refused = parsed(&[option, given]).unwrap_err();
                assert!(refused.contains(wanted), "{given}: {refused}");
            }
        }
    }

    #[test]
    fn no_thread_carries_nobody() {
        assert_eq!(parsed(&["--threads", "2"]).unwrap().threads, 2);
        for given in ["0", "-1", "many"] {
            let refused = parsed(&[&format!("--threads={given}")]).unwrap_err();
            assert!(refused.contains("1 at least"), "{refused}");
        }
    }

    #[test]
    fn a_path_behind_the_address_is_not_dropped_in_silence() {
        for given in [
            "http://10.0.0.1:80/calls",
            "http://10.0.0.1/?a",
            "http://10.0.0.1/#a",
        ] {
            let refused = parsed(&["--url", given]).unwrap_err();
            assert!(refused.contains("write http://10.0.0.1\n"), "{refused}");
        }
        for given in [
            "http://10.0.0.1:8080",
            "http://10.0.0.1:8080/",
            "ws://10.0.0.1:8188",
        ] {
            parsed(&["--url", given]).unwrap();
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
            let args = parsed(arguments).unwrap();
            let fits = args.fits(scenario).and_then(|()| args.meets().map(drop));
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
        let said = refused(&["--floor", "--impair", "3g"], &meeting()).unwrap_err();
        assert!(
            said.starts_with("--floor cannot be compared over a bad network"),
            "{said}"
        );
        let said = refused(&["--server-pid", "0"], &meeting()).unwrap_err();
        assert_eq!(said, "--server-pid: no process has the number 0");
        let said = refused(&["--url", "https://calls.example"], &meeting()).unwrap_err();
        assert!(
            said.starts_with("--url must begin with http://, not https://"),
            "{said}"
        );

        let said = refused(&["--target", "janus"], &meeting()).unwrap_err();
        assert!(
            said.starts_with("--target janus needs --url ws://ADDRESS:8188"),
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

    #[test]
    fn a_scenario_that_a_floor_or_a_search_or_a_network_does_not_know_is_refused_and_named() {
        let churn = Churn {
            stay_seconds: 2,
            vanish_share: 0.0,
            restart_share: 0.0,
        };
        let video = meeting().video.map(|video| Video { layers: 3, ..video });
        let scenarios = [
            Scenario {
                churn: Some(churn),
                ..meeting()
            },
            Scenario { video, ..meeting() },
            Scenario {
                record: Some(RecordingMode::Tracks),
                ..meeting()
            },
            Scenario {
                participants: Participants::Full,
                ..meeting()
            },
        ];
        let words = ["\"churn\"", "\"layers\"", "\"record\"", "\"participants\""];
        let janus = ["--target", "janus", "--url", "ws://10.0.0.1:8188"];
        for (arguments, refuses) in [
            (&["--floor"][..], [true; 4]),
            (&["--find-capacity"], [true; 4]),
            (&["--impair", "3g"], [false, false, false, true]),
            (&janus, [true; 4]),
            (&[], [false; 4]),
        ] {
            let args = parsed(arguments).unwrap();
            for ((scenario, word), refused) in scenarios.iter().zip(words).zip(refuses) {
                let said = args
                    .fits(scenario)
                    .map_err(|senseless| senseless.to_string());
                assert_eq!(said.is_err(), refused, "{arguments:?} and {word}: {said:?}");
                if let (Err(said), [first, ..]) = (said, arguments) {
                    assert!(said.starts_with(first), "{said}");
                    assert!(*first == "--target" || said.contains(word), "{said}");
                }
            }
            assert_eq!(args.fits(&meeting()), Ok(()), "{arguments:?}");
        }
    }
}
