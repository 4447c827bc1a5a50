//! A certificate in files, read again when they change.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

use tokio_rustls::rustls;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tracing::{info, warn};

/// There is no certificate to show.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file is not there, or is no PEM.
    #[error("{section}.{key} ({}): {cause}", path.display())]
    Unread {
        /// `tls` or `turn`.
        section: &'static str,
        /// `certificate` or `private_key`.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        cause: pem::Error,
    },
    /// They do not belong together, or TLS cannot use them.
    #[error("{section}.certificate and {section}.private_key: {cause}")]
    Unusable {
        /// `tls` or `turn`.
        section: &'static str,
        /// Why.
        cause: rustls::Error,
    },
}

/// A certificate chain and its key, in PEM files.
#[derive(Debug)]
pub(crate) struct Files {
    section: &'static str,
    chain: PathBuf,
    key: PathBuf,
    shown: RwLock<Arc<CertifiedKey>>,
    modified: Mutex<Modified>,
}

/// When the two files were written last.
type Modified = [Option<SystemTime>; 2];

impl Files {
    /// Reads them; without a path of its own the key is in the same file as the chain.
    pub(crate) fn open(
        section: &'static str,
        chain: &Path,
        key: &Path,
    ) -> Result<Self, CertificateError> {
        let key = if key.as_os_str().is_empty() {
            chain
        } else {
            key
        };
        let modified = Mutex::new(modified(chain, key));
        let shown = RwLock::new(Arc::new(read(section, chain, key)?));
        let (chain, key) = (chain.to_owned(), key.to_owned());
        Ok(Self {
            section,
            chain,
            key,
            shown,
            modified,
        })
    }

    /// Reads them again if they were written since.
    pub(super) fn look(&self) {
        let now = modified(&self.chain, &self.key);
        let mut before = self.modified.lock().unwrap_or_else(PoisonError::into_inner);
        if *before != now {
            *before = now;
            self.reload();
        }
    }

    /// Reads them again. What cannot be used is not shown; the one before is.
    pub(super) fn reload(&self) {
        let section = self.section;
        match read(section, &self.chain, &self.key) {
            Ok(read) => {
                *self.shown.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(read);
                info!("{section}.certificate was read again");
            }
            Err(error) => warn!(%error, "{section}.certificate stays as it was: {error}"),
        }
    }

    fn shown(&self) -> Arc<CertifiedKey> {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&shown)
    }
}

impl ResolvesServerCert for Files {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.shown())
    }
}

fn modified(chain: &Path, key: &Path) -> Modified {
    let modified = |path: &Path| -> io::Result<SystemTime> { path.metadata()?.modified() };
    [modified(chain).ok(), modified(key).ok()]
}

fn read(section: &'static str, chain: &Path, key: &Path) -> Result<CertifiedKey, CertificateError> {
    let unread = |key, path: &Path| {
        let path = path.to_owned();
        move |cause| CertificateError::Unread {
            section,
            key,
            path,
            cause,
        }
    };
    let certificates = CertificateDer::pem_file_iter(chain)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(unread("certificate", chain))?;
    let unusable = |cause| CertificateError::Unusable { section, cause };
    if certificates.is_empty() {
        return Err(unusable(rustls::Error::NoCertificatesPresented));
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(unread("private_key", key))?;
    CertifiedKey::from_der(certificates, key, &super::provider()).map_err(unusable)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn write(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate");
        let (chain, key) = (folder.join("chain.pem"), folder.join("key.pem"));
        std::fs::write(&chain, made.cert.pem()).expect("written");
        std::fs::write(&key, made.signing_key.serialize_pem()).expect("written");
        (chain, key)
    }

    #[test]
    fn a_renewed_certificate_is_shown_and_a_broken_one_never() {
        let folder = tempfile::tempdir().expect("a folder");
        let (chain, key) = write(folder.path(), "old.example");
        let files = Files::open("tls", &chain, &key).expect("good");
        let shown = || files.shown().cert[0].clone();
        let old = shown();

        let touched = SystemTime::now() + Duration::from_secs(5);
        let touch = |by| {
            let file = std::fs::File::options().write(true).open(&chain);
            file.and_then(|file| file.set_modified(touched + by))
                .expect("touched");
        };
        for (number, broken) in ["broken", ""].into_iter().enumerate() {
            std::fs::write(&chain, broken).expect("written");
            touch(Duration::from_secs(number as u64));
            files.look();
            assert_eq!(shown(), old);
        }
        write(folder.path(), "new.example");
        touch(Duration::from_secs(10));
        files.look();
        assert_ne!(shown(), old);
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (chain, _) = write(one.path(), "one.example");
        let (_, key) = write(other.path(), "other.example");
        let error = Files::open("tls", &chain, &key).expect_err("no match");
        assert!(
            error
                .to_string()
                .starts_with("tls.certificate and tls.private_key"),
            "{error}"
        );
    }

    #[test]
    fn one_file_may_hold_both_and_what_is_missing_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let (chain, key) = write(folder.path(), "calls.example");
        let both = [&chain, &key].map(|path| std::fs::read_to_string(path).expect("read"));
        let file = folder.path().join("both.pem");
        std::fs::write(&file, both.concat()).expect("written");
        assert!(Files::open("turn", &file, Path::new("")).is_ok());

        let error = Files::open("turn", &chain, Path::new("")).expect_err("no key");
        assert!(error.to_string().starts_with("turn.private_key"), "{error}");
        let error = Files::open("turn", Path::new("/nowhere"), &key).expect_err("no file");
        assert!(error.to_string().starts_with("turn.certificate"), "{error}");
    }
}
