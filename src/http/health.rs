//! `/healthz`, `/readyz`, `/metrics`: for those who keep the server running.

use actix_web::{HttpResponse, get, web};
use calls_model::Language;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::telemetry;

/// The process answers.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// `ok`
    #[schema(example = "ok")]
    pub status: &'static str,
    /// The server's version.
    pub version: &'static str,
}

/// What the server needs, and whether it has it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Readiness {
    /// The database answers.
    pub database: bool,
    /// Every media socket is bound.
    pub media: bool,
    /// The server goes down and takes nothing new.
    pub draining: bool,
    /// Who should answer every second and has not for more than 5 s: `calls`, `media-0`, …
    pub late: Vec<String>,
    /// What transcription needs. The server is ready without it.
    pub speech: Speech,
}

/// What understands speech here.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Speech {
    /// Which engine: `vosk`, `whisper`.
    #[schema(example = "vosk")]
    pub engine: &'static str,
    /// The engine's version, where it is known.
    #[schema(required = true)]
    pub version: Option<String>,
    /// What is understood where nobody says.
    pub language: Language,
    /// All languages that there are models of.
    pub languages: Vec<Language>,
    /// Why nothing can be understood; null: speech is. Anybody may ask, so it names no path: `calls doctor` does.
    #[schema(required = true)]
    pub error: Option<String>,
}

fn speech(app: &App) -> Speech {
    let models = app.ears.models();
    let equipment = models.equipment();
    let language = models.language();
    let missing = equipment
        .fault
        .map(|_| "the speech engine is missing".to_owned());
    let broken = || {
        let fault = models.known_fault(language);
        fault.map(|_| format!("the speech model of \"{language}\" cannot be used"))
    };
    let error = missing.or_else(broken);
    Speech {
        engine: equipment.engine,
        version: equipment.version,
        language: language.clone(),
        languages: models.known().into_keys().collect(),
        error: error.map(|error| format!("{error}; `calls doctor` says why")),
    }
}

/// The process lives.
#[utoipa::path(tag = "health", responses((status = 200, description = "It does.", body = Health)))]
#[get("/healthz")]
pub(super) async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
    })
}

/// The server can take calls.
#[utoipa::path(
    tag = "health",
    responses(
        (status = 200, description = "It can.", body = Readiness),
        (status = 503, description = "Something that it needs is missing.", body = Readiness),
    ),
)]
#[get("/readyz")]
pub(super) async fn readyz(app: web::Data<App>) -> HttpResponse {
    let ready = Readiness {
        database: app.store.ping().await.is_ok(),
        media: app.calls.connected() && app.ports.count() > 0,
        draining: app.draining(),
        late: app.heartbeat.late(),
        speech: speech(&app),
    };
    if ready.database && ready.media && !ready.draining && ready.late.is_empty() {
        HttpResponse::Ok().json(ready)
    } else {
        HttpResponse::ServiceUnavailable().json(ready)
    }
}

/// Counters and gauges, as Prometheus reads them.
#[utoipa::path(
    tag = "health",
    responses((status = 200, description = "Prometheus text format.", body = String, content_type = "text/plain")),
)]
#[get("/metrics")]
pub(super) async fn metrics(app: web::Data<App>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(telemetry::render(&app.metrics))
}
