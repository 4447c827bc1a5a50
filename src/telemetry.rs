//! Logs, spans and numbers.

pub mod names;
mod otlp;
mod process;
mod span;

use std::io::IsTerminal;
use std::sync::OnceLock;
use std::time::Duration;

use calls_actors::metrics::{QUALITY_LOSS, QUALITY_SCORE};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::{LogFormat, Telemetry};

use otlp::Otlp;
pub(crate) use span::RequestSpan;

/// How often numbers that nobody asked for are tidied up.
const UPKEEP: Duration = Duration::from_secs(5);

/// Upper ends of the classes that durations are counted in, in seconds.
const SECONDS: &[f64] = &[0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0, 600.0, 3600.0];

/// Upper ends of the classes of scores, 0 (gone) to 5 (perfect).
const SCORES: &[f64] = &[0.5, 1.0, 2.0, 3.0, 4.0, 4.5, 5.0];

/// Upper ends of the classes of lost shares.
const SHARES: &[f64] = &[0.001, 0.01, 0.03, 0.1, 0.3, 1.0];

/// Logs or traces cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter cannot be read.
    #[error("telemetry.log: {0}")]
    Filter(#[from] ParseError),
    /// The collector cannot be reached by such an address.
    #[error("telemetry.otlp_endpoint: {0}")]
    Otlp(#[from] opentelemetry_otlp::ExporterBuildError),
}

/// What sends traces; nothing where nobody collects them.
#[must_use = "what is traced last is sent when this is told to stop"]
pub struct Tracing(Option<Otlp>);

impl Tracing {
    /// Sends what is still to be sent.
    pub fn stop(&self) {
        if let Some(otlp) = &self.0 {
            otlp.stop();
        }
    }
}

/// Sends log lines to standard error, in the form that the configuration asks for, and traces to a collector, if it names
/// one.
///
/// # Errors
///
/// [`TelemetryError`] names the key.
pub fn start(config: &Telemetry) -> Result<Tracing, TelemetryError> {
    let filter = EnvFilter::try_new(&config.log)?;
    // Colours are for people who look, not for files (https://no-color.org).
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(colours)
        .with_writer(std::io::stderr);
    let lines = match config.format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    let otlp = match config.otlp_endpoint.as_str() {
        "" => None,
        _ => Some(Otlp::start(config)?),
    };
    let traces = otlp.as_ref().map(|otlp| {
        tracing_opentelemetry::layer()
            .with_tracer(otlp.tracer())
            .with_threads(false)
            .with_location(false)
    });
    let all = tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .with(traces);
    // A second start in one process (tests do that) keeps the first one's logger.
    let _ = all.try_init();
    Ok(Tracing(otlp))
}

/// Where everything that is counted in this process comes together.
pub fn recorder() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

    HANDLE
        .get_or_init(|| {
            let recorder = PrometheusBuilder::new()
                .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
                .and_then(|builder| {
                    let score = Matcher::Full(QUALITY_SCORE.to_owned());
                    let loss = Matcher::Full(QUALITY_LOSS.to_owned());
                    builder
                        .set_buckets_for_metric(score, SCORES)?
                        .set_buckets_for_metric(loss, SHARES)
                })
                .expect("there are classes")
                .build_recorder();
            let handle = recorder.handle();
            if metrics::set_global_recorder(recorder).is_ok() {
                names::describe();
                names::begin_alarms();
                calls_actors::metrics::describe();
            }
            handle
        })
        .clone()
}

/// What Prometheus reads, as of now.
pub(crate) fn render(handle: &PrometheusHandle) -> String {
    process::measure();
    handle.render() + &process::cpu()
}

/// Tidies up now and then, so that what nobody scrapes does not grow.
pub(crate) async fn upkeep(handle: PrometheusHandle) {
    let mut beat = tokio::time::interval(UPKEEP);
    loop {
        beat.tick().await;
        handle.run_upkeep();
    }
}
