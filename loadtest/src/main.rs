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
mod participant;
mod peer;
mod publish;
mod report;
mod scenario;
mod sequence;
mod server;
mod signaling;
mod speech;
mod tally;
mod traffic;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tracing_subscriber::EnvFilter;

use crate::api::Api;
use crate::args::{Args, Target};
use crate::capacity::Capacity;
use crate::causes::with_causes;
use crate::crowd::{Crowd, CrowdFailed};
use crate::impair::Impairment;
use crate::janus::JanusFailed;
use crate::report::{Report, markdown, svg, table};
use crate::scenario::{Kind, Scenario, ScenarioRefused};
use crate::server::Gauge;

/// What is logged where `RUST_LOG` says nothing: our own words; the peers' stack complains of every close.
const LOG: &str =
    "error,calls_loadtest=warn,webrtc=off,rtc=off,rtc_ice=off,rtc_dtls=off,rtc_sctp=off";

/// The run came to nothing.
#[derive(Debug, thiserror::Error)]
enum Failed {
    /// No scenario.
    #[error(transparent)]
    Scenario(#[from] ScenarioRefused),
    /// No crowd.
    #[error(transparent)]
    Crowd(#[from] CrowdFailed),
    /// No Janus.
    #[error("janus")]
    Janus(#[from] JanusFailed),
    /// Encryption is the proxy's business, not the server's.
    #[error("only http:// can be measured, not {0}://")]
    Scheme(String),
    /// The result could not be kept.
    #[error("cannot write {}", path.display())]
    Unwritten {
        /// Where to.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
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
        Ok(complaints) if complaints.is_empty() => ExitCode::SUCCESS,
        Ok(complaints) => {
            for complaint in complaints {
                eprintln!("calls-loadtest: {complaint}");
            }
            ExitCode::FAILURE
        }
        Err(failed) => {
            eprintln!("calls-loadtest: {}", with_causes(&failed));
            ExitCode::FAILURE
        }
    }
}

/// Plays the scenario, prints the table, and gives back what there is to complain of.
async fn run(args: Args) -> Result<Vec<String>, Failed> {
    let mut scenario = Scenario::read(args.scenario.as_deref().unwrap_or(Path::new("")))?;
    if args.full {
        scenario.participants = Kind::Full;
    }
    if args.target == Target::Janus {
        let gauge = args.server_pid.map(Gauge::Process);
        let report = janus::play(&args.url, &scenario, args.threads, gauge.as_ref()).await?;
        return finish(&report, &args);
    }
    if args.url.scheme() != "http" {
        return Err(Failed::Scheme(args.url.scheme().to_owned()));
    }
    let api = Api::new(args.url.clone(), args.key.clone());
    let gauge = args
        .server_pid
        .map_or_else(|| Gauge::Metrics(api.clone()), Gauge::Process);
    if args.find_capacity {
        let capacity = Capacity::find(&api, &scenario, &gauge, args.threads).await?;
        print(&capacity.table());
        if let Some(path) = &args.json {
            keep(&capacity, path)?;
        }
        return Ok(Vec::new());
    }
    let seed = args.seed;
    let impairment = args.impair.map(|profile| Impairment { profile, seed });
    let crowd = Crowd::new(api, scenario, gauge, args.threads, impairment)?.with_floor(args.floor);
    stop_on_ctrl_c(crowd.stopper());
    let report = crowd.play().await?;
    finish(&report, &args)
}

/// Shows and keeps the report.
fn finish(report: &Report, args: &Args) -> Result<Vec<String>, Failed> {
    print(&table(report));
    if let Some(path) = &args.json {
        keep(report, path)?;
    }
    if let Some(path) = &args.markdown {
        let picture = path.with_extension("svg");
        let name = picture.file_name().unwrap_or_default().to_string_lossy();
        write(path, &markdown(report, &name))?;
        write(&picture, &svg(report))?;
    }
    Ok(report.complaints(args.max_loss, args.min_delivered))
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

fn keep(result: &impl serde::Serialize, path: &Path) -> Result<(), Failed> {
    let json = serde_json::to_string_pretty(result).map_err(std::io::Error::from);
    let json = json.map_err(|source| Failed::Unwritten {
        path: path.to_owned(),
        source,
    })?;
    write(path, &(json + "\n"))
}

fn write(path: &Path, text: &str) -> Result<(), Failed> {
    std::fs::write(path, text).map_err(|source| Failed::Unwritten {
        path: path.to_owned(),
        source,
    })
}
