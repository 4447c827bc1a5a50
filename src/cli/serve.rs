//! `calls serve`.

use std::net::SocketAddr;
use std::process::ExitCode;

use calls_actors::MediaPorts;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::info;

use super::say;
use crate::app::{Server, browse_url};
use crate::config::Config;
use crate::prefault::prefault;
use crate::{store, telemetry};

/// Serves until SIGTERM or SIGINT, reading certificates again at SIGHUP, or until something essential breaks.
pub(super) fn serve(config: Config, dev: bool) -> Result<ExitCode, String> {
    let tracing = telemetry::start(&config.telemetry).map_err(|error| error.to_string())?;
    let code = actix::System::new().block_on(async move {
        let mut terminate = listen(SignalKind::terminate())?;
        let mut interrupt = listen(SignalKind::interrupt())?;
        let mut hangup = listen(SignalKind::hangup())?;
        prefault();
        let mut server = Server::start(config, dev)
            .await
            .map_err(|error| error.to_string())?;
        welcome(&server, dev);
        let failed = loop {
            tokio::select! {
                _ = terminate.recv() => break None,
                _ = interrupt.recv() => break None,
                _ = hangup.recv() => server.reload(),
                error = server.failed() => break Some(error),
            }
        };
        match failed {
            None => {
                info!("a signal says stop");
                tokio::select! {
                    () = server.stop() => {}
                    _ = interrupt.recv() => info!("a second signal: not waiting any longer"),
                }
                Ok(ExitCode::SUCCESS)
            }
            // Whoever started us starts us again; what was live goes on then.
            Some(error) => Err(format!("cannot go on: {error}")),
        }
    });
    tracing.stop();
    code
}

fn listen(kind: SignalKind) -> Result<Signal, String> {
    signal(kind).map_err(|error| format!("cannot wait for signals: {error}"))
}

fn welcome(server: &Server, dev: bool) {
    if let Some(key) = &server.first_key {
        say("This is the first start: here is an API key. It is shown this once, keep it safe.");
        say(&format!("    {}", key.reveal()));
        say("`calls token` makes more, lists and revokes them.");
        say("");
    }
    let app = server.app();
    let url = browse_url(server.address, app.config.tls.on());
    say(&format!("Calls is ready. Open {url}"));
    say(&format!("    API docs  {url}docs/"));
    say(&format!("    media     {}", media(&app.ports)));
    if let Some(turn) = &app.turn {
        say(&format!(
            "    TURN      {}",
            relay(turn.urls(), &app.config)
        ));
    }
    if let Ok(place) = store::place(&app.config.database.url) {
        say(&format!("    database  {place}"));
    }
    if dev {
        say(
            "    --dev     no credentials are asked for: REST and pages answer this machine only, the",
        );
        say(
            "              media ports and TURN take what belongs to somebody in a call, and drop the rest",
        );
    }
    say("    Ctrl+C stops");
}

/// `UDP and TCP 3478 on 0.0.0.0, TLS 5349`
fn relay(urls: &[String], config: &Config) -> String {
    let tls = urls.iter().any(|url| url.starts_with("turns:"));
    let tls = tls.then(|| format!(", TLS {}", config.turn.tls_port));
    let (port, on) = (config.turn.port, config.media.bind);
    format!("UDP and TCP {port} on {on}{}", tls.unwrap_or_default())
}

/// `UDP and TCP 7882, 7883 on 0.0.0.0`
fn media(ports: &MediaPorts) -> String {
    let addresses: Vec<SocketAddr> = (0..ports.count())
        .filter_map(|index| ports.address(index))
        .collect();
    let numbers: Vec<String> = addresses.iter().map(|one| one.port().to_string()).collect();
    let on = addresses.first().map(SocketAddr::ip);
    let on = on.map_or(String::new(), |ip| format!(" on {ip}"));
    format!("UDP and TCP {}{on}", numbers.join(", "))
}
