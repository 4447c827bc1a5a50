//! A certificate from a certificate authority that speaks ACME (RFC 8555), proven on our own HTTPS port (RFC 8737).

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::StreamExt;
use rustls_acme::caches::DirCache;
use rustls_acme::{AcmeConfig, EventOk};
use tokio::task::JoinHandle;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};
use tracing::{info, warn};

use super::{Resolver, provider};
use crate::config::Tls;

/// No certificate can be asked for.
#[derive(Debug, thiserror::Error)]
pub enum AcmeError {
    /// Nothing can be kept there.
    #[error("tls.acme_folder ({}): {cause}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// The authority of the directory's own certificate cannot be read.
    #[error("tls.acme_ca ({}): {cause}", path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: pem::Error,
    },
    /// The library says no.
    #[error(transparent)]
    Tls(#[from] rustls::Error),
}

/// Orders a certificate, and orders it again before it ends, for as long as the task is there. Handshakes fail until the
/// first one has come; the one of an earlier start is shown at once.
pub(super) fn start(tls: &Tls) -> Result<(Resolver, JoinHandle<()>), AcmeError> {
    let made = DirBuilder::new()
        .recursive(true)
        .mode(0o700) // keys are in it
        .create(&tls.acme_folder);
    made.map_err(|cause| AcmeError::Folder {
        path: tls.acme_folder.clone(),
        cause,
    })?;
    let client = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots(&tls.acme_ca)?)
        .with_no_client_auth();
    let config = AcmeConfig::new_with_client_config(&tls.acme_domains, Arc::new(client))
        .directory(&tls.acme_directory)
        .contact(tls.acme_contact.iter().map(|at| format!("mailto:{at}")))
        .cache(DirCache::new(tls.acme_folder.clone()));
    let mut state = config.state();
    let resolver = state.resolver();
    let ordering = actix::spawn(async move {
        while let Some(event) = state.next().await {
            match event {
                Ok(EventOk::DeployedNewCert) => info!("a new certificate came by ACME"),
                Ok(EventOk::DeployedCachedCert) => info!("the certificate from ACME is shown"),
                Ok(EventOk::CertCacheStore | EventOk::AccountCacheStore) => {}
                Err(error) => warn!(%error, "no certificate by ACME yet: {error}"),
            }
        }
    });
    Ok((resolver, ordering))
}

/// Whom the directory's own certificate may come from: who this system trusts, or this authority alone.
fn roots(ca: &Path) -> Result<RootCertStore, AcmeError> {
    let mut roots = RootCertStore::empty();
    if ca.as_os_str().is_empty() {
        let native = rustls_native_certs::load_native_certs();
        for error in native.errors {
            warn!(%error, "some of this system's authorities cannot be read");
        }
        roots.add_parsable_certificates(native.certs);
        return Ok(roots);
    }
    let read = CertificateDer::pem_file_iter(ca).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let read = read.map_err(|cause| AcmeError::Authority {
        path: ca.to_owned(),
        cause,
    })?;
    for certificate in read {
        roots.add(certificate)?;
    }
    Ok(roots)
}
