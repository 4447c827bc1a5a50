//! TLS for REST, signaling and pages, and the certificate that TURN shows too.
//!
//! A certificate is asked for at each handshake, so that a renewed one is shown from then on and nobody's connection
//! ends for it.

mod acme;
mod files;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::server::ResolvesServerCert;
use tokio_rustls::rustls::{self, ServerConfig};

pub(crate) use self::files::{CertificateError, Files};
use crate::config::Tls;

/// How often files are looked at. Certificates live for weeks and are renewed days before they end.
const LOOK: Duration = Duration::from_secs(10);

/// Whoever knows the certificate of the moment.
pub(crate) type Resolver = Arc<dyn ResolvesServerCert>;

/// TLS cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// No certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// No way to ask for one.
    #[error("tls.acme_domains: {0}")]
    Acme(#[from] acme::AcmeError),
    /// The library says no.
    #[error("TLS: {0}")]
    Unusable(#[from] rustls::Error),
}

/// The certificates of this server, and what keeps them fresh.
#[derive(Default)]
pub(crate) struct Certificates {
    /// For HTTP, as `[tls]` says.
    pub(crate) http: Option<Resolver>,
    /// For TURN: its own, else that of HTTP.
    pub(crate) turn: Option<Resolver>,
    files: Vec<Arc<Files>>,
    keeping: Vec<JoinHandle<()>>,
}

impl Certificates {
    /// Reads what the configuration names. Needs a runtime: files are looked at, and ACME is spoken, from now on.
    pub(crate) fn open(config: &crate::config::Config) -> Result<Self, TlsError> {
        let mut all = Self::default();
        let tls = &config.tls;
        if !tls.certificate.as_os_str().is_empty() {
            let files = Arc::new(Files::open("tls", &tls.certificate, &tls.private_key)?);
            all.http = Some(files.clone());
            all.files.push(files);
        } else if !tls.acme_domains.is_empty() {
            let (resolver, keeping) = acme::start(tls)?;
            all.http = Some(resolver);
            all.keeping.push(keeping);
        }
        let turn = &config.turn;
        all.turn = if turn.certificate.as_os_str().is_empty() {
            all.http.clone()
        } else {
            let files = Files::open("turn", &turn.certificate, &turn.private_key)?;
            let files = Arc::new(files);
            all.files.push(files.clone());
            Some(files)
        };
        if !all.files.is_empty() {
            all.keeping.push(actix::spawn(look(all.files.clone())));
        }
        Ok(all)
    }

    /// Reads all files again; a certificate that cannot be used is logged, and the one before stays.
    pub(crate) fn reload(&self) {
        for files in &self.files {
            files.reload();
        }
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        for task in &self.keeping {
            task.abort();
        }
    }
}

async fn look(files: Vec<Arc<Files>>) {
    let mut beat = tokio::time::interval(LOOK);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        for one in &files {
            one.look();
        }
    }
}

/// Shakes hands with whatever certificate there is at that time.
pub(crate) fn server_config(resolver: Resolver) -> Result<ServerConfig, rustls::Error> {
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(resolver);
    Ok(config)
}

/// The same for HTTP, where an ACME server may ask for its proof (RFC 8737).
pub(crate) fn http_config(resolver: Resolver, tls: &Tls) -> Result<ServerConfig, rustls::Error> {
    let mut config = server_config(resolver)?;
    if !tls.acme_domains.is_empty() {
        config.alpn_protocols.push(b"acme-tls/1".to_vec());
    }
    Ok(config)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
