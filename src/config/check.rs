//! What no type can say about a configuration.

use std::net::IpAddr;

use actix_web::http::Uri;

use super::{Config, ConfigError};

/// Longest that anything made to last may last: a year.
const MOST_MINUTES: u64 = 366 * 24 * 60;

/// Sections, as the environment writes them.
const SECTIONS: [&str; 15] = [
    "HTTP",
    "TLS",
    "MEDIA",
    "AUTH",
    "OIDC",
    "DATABASE",
    "RECORDING",
    "STORAGE",
    "FILES",
    "TRANSCRIPTION",
    "VOICE",
    "WEBHOOKS",
    "LIMITS",
    "TURN",
    "TELEMETRY",
];

/// Refuses what can be read and makes no sense.
pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    let http = &config.http;
    if !http.public_url.is_empty() && !is_web(&http.public_url) {
        return refuse(
            "http.public_url",
            "must begin with https:// or http:// and name a host, as in \"https://calls.example.org\"",
        );
    }
    if !http.allowed_origins.iter().all(|origin| is_web(origin)) {
        return refuse(
            "http.allowed_origins",
            "must be origins with their scheme, as in \"https://app.example.org\"",
        );
    }
    let tls = &config.tls;
    if !tls.certificate.as_os_str().is_empty() && !tls.acme_domains.is_empty() {
        return refuse(
            "tls.acme_domains",
            "must be empty where tls.certificate names a file: a certificate comes from one place",
        );
    }
    if !tls.acme_domains.is_empty() && !is_web(&tls.acme_directory) {
        return refuse("tls.acme_directory", "must begin with https://");
    }
    let storage = &config.storage;
    if !storage.endpoint.is_empty() && !is_web(&storage.endpoint) {
        return refuse(
            "storage.endpoint",
            "must begin with https:// or http:// and name a host, as in \"https://minio.example.org:9000\"",
        );
    }
    let telemetry = &config.telemetry;
    if !telemetry.otlp_endpoint.is_empty() && !is_web(&telemetry.otlp_endpoint) {
        return refuse(
            "telemetry.otlp_endpoint",
            "must begin with https:// or http:// and name a host, as in \"http://127.0.0.1:4318\"",
        );
    }
    if !(0.0..=1.0).contains(&telemetry.otlp_sample) {
        return refuse("telemetry.otlp_sample", "must be between 0 and 1");
    }
    if !is_web(&config.transcription.catalogue) {
        return refuse(
            "transcription.catalogue",
            "must begin with https:// or http:// and name a host, as in \"https://models.example.org/vosk\"",
        );
    }
    let lives = [
        ("auth.token_minutes", config.auth.token_minutes),
        ("turn.credential_minutes", config.turn.credential_minutes),
    ];
    for (key, minutes) in lives {
        if !(1..=MOST_MINUTES).contains(&minutes) {
            return refuse(
                key,
                &format!("must be 1 to {MOST_MINUTES} minutes, not {minutes}"),
            );
        }
    }
    let oidc = &config.oidc;
    if !oidc.issuer.is_empty() && oidc.audience.is_empty() {
        return refuse(
            "oidc.audience",
            "must be there beside oidc.issuer: else tokens that were made for others would open this server",
        );
    }
    if !oidc.console_client_id.is_empty() && !is_safe(&oidc.issuer) {
        return refuse(
            "oidc.console_client_id",
            "must stand beside an oidc.issuer that begins with https:// and names a host (or http:// on this machine): people \
             are sent there, and codes and tokens come back",
        );
    }
    if config.auth.password_tries == 0 {
        return refuse(
            "auth.password_tries",
            "must be 1 at least: else nobody could try at all",
        );
    }
    Ok(())
}

fn refuse(key: &'static str, detail: &str) -> Result<(), ConfigError> {
    Err(ConfigError::Senseless {
        key,
        detail: detail.to_owned(),
    })
}

/// Nobody on the way reads what goes there.
fn is_safe(url: &str) -> bool {
    let here = |host: &str| {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let address = bare.parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    };
    is_web(url)
        && url
            .parse::<Uri>()
            .is_ok_and(|url| url.scheme_str() == Some("https") || url.host().is_some_and(here))
}

fn is_web(url: &str) -> bool {
    url.parse::<Uri>().is_ok_and(|url| {
        matches!(url.scheme_str(), Some("http" | "https"))
            && url.host().is_some_and(|host| !host.is_empty())
    })
}

/// Names like `CALLS_HTTP_BIND`, with `CALLS__HTTP__BIND`, which was probably meant. Other names that begin with
/// `CALLS_` may be anybody's.
pub(super) fn misspelt(names: impl Iterator<Item = String>) -> Vec<(String, String)> {
    names
        .filter_map(|name| {
            let rest = name
                .strip_prefix("CALLS_")
                .filter(|rest| !rest.starts_with('_'))?;
            let section = SECTIONS.into_iter().find(|section| {
                rest.strip_prefix(section)
                    .is_some_and(|key| key.starts_with('_'))
            })?;
            let key = rest[section.len()..].trim_start_matches('_');
            let meant = format!("CALLS__{section}__{key}");
            (!key.is_empty()).then_some((name, meant))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_with_too_few_underscores_is_noticed() {
        let names = [
            "CALLS_HTTP_BIND",
            "CALLS_MEDIA__UDP_PORTS",
            "CALLS__HTTP__BIND",
            "CALLS_URL",
            "CALLS_HTTPS_PROXY",
            "HTTP_BIND",
        ];
        let found = misspelt(names.into_iter().map(str::to_owned));
        let meant = [
            ("CALLS_HTTP_BIND", "CALLS__HTTP__BIND"),
            ("CALLS_MEDIA__UDP_PORTS", "CALLS__MEDIA__UDP_PORTS"),
        ];
        assert_eq!(
            found,
            meant.map(|(name, meant)| (name.to_owned(), meant.to_owned()))
        );
    }
}
