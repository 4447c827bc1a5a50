//! `calls-loadtest`: a crowd of simulated participants that knows only the wire.
//!
//! ```text
//! main ▸ Crowd ▸ Inside (one participant) ▸ Api, Signaling ▸ the server
//!                                           light or full media ▸ the server
//!                                           light or full media ▸ Tallies ▸ Report ▸ table and JSON
//! ```

mod aftermath;
mod api;
mod args;
mod capacity;
mod causes;
mod crowd;
mod floor;
mod histogram;
mod impair;
mod janus;
mod light;
mod measure;
mod outputs;
mod participant;
mod peer;
mod publish;
mod report;
mod scenario;
mod sequence;
mod server;
mod signaling;
mod speech;
mod stay;
mod tally;
mod traffic;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

use crate::api::Api;
use crate::args::{Args, Senseless, Target};
use crate::capacity::Capacity;
use crate::causes::with_causes;
use crate::crowd::{Crowd, CrowdFailed};
use crate::impair::Impairment;
use crate::janus::JanusFailed;
use crate::outputs::{Outputs, Unwritten};
use crate::report::{Outcome, Report, table};
use crate::scenario::{Participants, Scenario, ScenarioRefused};
use crate::server::{Gauge, Known};

/// What is logged where `RUST_LOG` says nothing: our own words; the peers' stack complains of every close.
const LOG: &str =
    "error,calls_loadtest=warn,webrtc=off,rtc=off,rtc_ice=off,rtc_dtls=off,rtc_sctp=off";

/// Exit codes besides 0 and 1; clap has 2 for a command line that it does not understand.
const SENSELESS: u8 = 2;
const VOID: u8 = 3;

/// The run came to nothing.
#[derive(Debug, thiserror::Error)]
enum Failed {
    /// No scenario.
    #[error(transparent)]
    Scenario(#[from] ScenarioRefused),
    /// What was asked for makes no sense.
    #[error(transparent)]
    Senseless(#[from] Senseless),
    /// The result has no place.
    #[error("nothing was played")]
    NoPlace(#[source] Unwritten),
    /// No crowd.
    #[error(transparent)]
    Crowd(#[from] CrowdFailed),
    /// No Janus.
    #[error("janus")]
    Janus(#[from] JanusFailed),
    /// The result could not be kept.
    #[error(transparent)]
    Unwritten(#[from] Unwritten),
}

impl Failed {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Scenario(_) | Self::Senseless(_) | Self::NoPlace(_) => SENSELESS.into(),
            Self::Crowd(_) | Self::Janus(_) | Self::Unwritten(_) => ExitCode::FAILURE,
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LOG));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();

    let args = Args::parse();
    if args.serve_floor {
        return match floor::serve() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("calls-loadtest: the floor: {error}");
                ExitCode::FAILURE
            }
        };
    }
    allow_many_files();
    match run(args).await {
        Ok(Outcome::Passed) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::FAILURE,
        Ok(Outcome::Void) => VOID.into(),
        Err(failed) => {
            eprintln!("calls-loadtest: {}", with_causes(&failed));
            failed.exit_code()
        }
    }
}

/// Plays the scenario, prints what came of it, and keeps that.
async fn run(args: Args) -> Result<Outcome, Failed> {
    let mut scenario = Scenario::read(args.scenario.as_deref().unwrap_or(Path::new("")))?;
    if args.full {
        scenario.participants = Participants::Full;
    }
    args.fits(&scenario)?;
    let outputs = Outputs::tried(&args).map_err(Failed::NoPlace)?;
    if args.check {
        return Ok(Outcome::Passed);
    }
    let known = args.meets()?;
    if let (Some(pid), Some(doubt)) = (args.server_pid, known.doubt()) {
        eprintln!("calls-loadtest: --server-pid: process {pid} is {doubt}");
    }
    if args.target == Target::Janus {
        let gauge = args.server_pid.map(Gauge::Process);
        let report = janus::play(&args.url, &scenario, args.threads, gauge.as_ref()).await?;
        return finish(report, &args, known, &outputs);
    }
    let api = Api::new(args.url.clone(), args.key.clone());
    let gauge = args
        .server_pid
        .map_or_else(|| Gauge::Metrics(api.clone()), Gauge::Process);
    if args.find_capacity {
        let (stop, stopped) = watch::channel(false);
        stop_on_ctrl_c(move || _ = stop.send_replace(true));
        let capacity = Capacity::find(&api, &scenario, &gauge, args.threads, stopped).await?;
        print(&capacity.summary());
        outputs.of(capacity.is_interrupted()).keep_json(&capacity)?;
        return Ok(capacity.outcome());
    }
    let seed = args.seed;
    let impairment = args.impair.map(|profile| Impairment { profile, seed });
    let crowd = Crowd::new(api, scenario, gauge, args.threads, impairment)?.with_floor(args.floor);
    stop_on_ctrl_c(crowd.stopper());
    let report = crowd.play().await?;
    finish(report, &args, known, &outputs)
}

/// Judges the report, shows it, and only then keeps it: whatever becomes of that, the verdict has been told.
fn finish(
    mut report: Report,
    args: &Args,
    known: Known,
    outputs: &Outputs,
) -> Result<Outcome, Failed> {
    if let Some(server) = &mut report.server {
        server.process_known = args.server_pid.map(|_| known);
    }
    let verdict = report.judged(args.limits());
    let outcome = verdict.outcome;
    report.verdict = Some(verdict);
    print(&table(&report));
    outputs.of(report.interrupted).keep(&report)?;
    Ok(outcome)
}

#[expect(
    clippy::print_stdout,
    reason = "the result is what this program is for"
)]
fn print(text: &str) {
    print!("{text}");
}

/// Each participant needs two descriptors, and the usual limit is 1024.
fn allow_many_files() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, hard)| setrlimit(Resource::RLIMIT_NOFILE, hard, hard));
    if let Err(error) = raised {
        tracing::warn!("the limit to open files stays as it is: {error}");
    }
}

/// The first Ctrl-C ends the run in order, the second at once.
fn stop_on_ctrl_c(stop: impl FnOnce() + Send + 'static) {
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            eprintln!("calls-loadtest: stopping; once more to stop at once");
            stop();
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(130);
        }
    });
}
