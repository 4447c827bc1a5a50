//! The certificate that TURN over TLS shows, read again when its file changes.

use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};
use tracing::{info, warn};

/// How often the files are looked at, at most. Certificates live for weeks and are renewed days before they end.
const LOOK: Duration = Duration::from_secs(60);

/// There is no certificate to show.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file is not there, or is no PEM.
    #[error("{what} ({}): {cause}", path.display())]
    Unread {
        /// `turn.certificate` or `turn.private_key`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        cause: pem::Error,
    },
    /// They do not belong together, or TLS cannot use them.
    #[error("turn.certificate and turn.private_key: {0}")]
    Unusable(#[from] rustls::Error),
}

/// A certificate and its key.
pub(crate) struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    read: RefCell<Read>,
}

struct Read {
    acceptor: TlsAcceptor,
    modified: Modified,
    looked: Instant,
}

/// When the two files were written last.
type Modified = [Option<SystemTime>; 2];

impl Certificate {
    /// Reads the chain and the key; without a path of its own the key is in the same file.
    pub(crate) fn open(chain: &Path, key: &Path) -> Result<Self, CertificateError> {
        let key = if key.as_os_str().is_empty() {
            chain
        } else {
            key
        };
        let modified = modified(chain, key);
        let read = RefCell::new(Read {
            acceptor: acceptor(chain, key)?,
            modified,
            looked: Instant::now(),
        });
        let (chain, key) = (chain.to_owned(), key.to_owned());
        Ok(Self { chain, key, read })
    }

    /// Shakes hands with the certificate as it is now.
    pub(super) fn acceptor(&self, now: Instant) -> TlsAcceptor {
        let mut read = self.read.borrow_mut();
        if now.saturating_duration_since(read.looked) >= LOOK {
            read.looked = now;
            let modified = modified(&self.chain, &self.key);
            if modified != read.modified {
                read.modified = modified;
                match acceptor(&self.chain, &self.key) {
                    Ok(acceptor) => {
                        read.acceptor = acceptor;
                        info!("TURN shows a new certificate");
                    }
                    Err(error) => warn!(%error, "TURN goes on with its old certificate"),
                }
            }
        }
        read.acceptor.clone()
    }
}

fn modified(chain: &Path, key: &Path) -> Modified {
    let modified = |path: &Path| -> io::Result<SystemTime> { path.metadata()?.modified() };
    [modified(chain).ok(), modified(key).ok()]
}

fn acceptor(chain: &Path, key: &Path) -> Result<TlsAcceptor, CertificateError> {
    let unread = |what, path: &Path| {
        let path = path.to_owned();
        move |cause| CertificateError::Unread { what, path, cause }
    };
    let certificates = CertificateDer::pem_file_iter(chain)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(unread("turn.certificate", chain))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(unread("turn.private_key", key))?;
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates, key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate");
        let (chain, key) = (folder.join("chain.pem"), folder.join("key.pem"));
        std::fs::write(&chain, made.cert.pem()).expect("written");
        std::fs::write(&key, made.signing_key.serialize_pem()).expect("written");
        (chain, key)
    }

    #[test]
    fn a_renewed_certificate_is_shown_after_a_while_and_a_broken_one_never() {
        let folder = tempfile::tempdir().expect("a folder");
        let (chain, key) = write(folder.path(), "old.example");
        let certificate = Certificate::open(&chain, &key).expect("good");
        let now = Instant::now();
        let config = |after| Arc::as_ptr(certificate.acceptor(now + after).config());
        let old = config(Duration::ZERO);

        std::fs::write(&chain, "broken").expect("written");
        let touched = SystemTime::now() + Duration::from_secs(5);
        let touch = |by| {
            let file = std::fs::File::options().write(true).open(&chain);
            file.and_then(|file| file.set_modified(touched + by))
                .expect("touched");
        };
        touch(Duration::ZERO);
        assert_eq!(config(2 * LOOK), old);

        write(folder.path(), "new.example");
        touch(LOOK);
        assert_eq!(config(2 * LOOK), old, "it was looked at a moment ago");
        assert_ne!(config(3 * LOOK), old);
    }

    #[test]
    fn one_file_may_hold_both_and_what_is_missing_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let (chain, key) = write(folder.path(), "calls.example");
        let both = [&chain, &key].map(|path| std::fs::read_to_string(path).expect("read"));
        let file = folder.path().join("both.pem");
        std::fs::write(&file, both.concat()).expect("written");
        assert!(Certificate::open(&file, Path::new("")).is_ok());

        let error = Certificate::open(&chain, Path::new(""))
            .err()
            .expect("no key");
        assert!(error.to_string().starts_with("turn.private_key"), "{error}");
        let error = Certificate::open(Path::new("/nowhere"), &key)
            .err()
            .expect("no file");
        assert!(error.to_string().starts_with("turn.certificate"), "{error}");
    }
}
