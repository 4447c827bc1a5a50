//! A bucket of an S3-compatible store, where recordings are kept if the configuration names one.

mod upload;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use calls_model::{RecordingFile, RecordingId};
use futures_util::StreamExt;
use http::Method;
use object_store::aws::{AmazonS3, AmazonS3Builder, Checksum, S3ConditionalPut};
use object_store::path::Path as Key;
use object_store::signer::Signer;
use object_store::{ClientOptions, ObjectStoreExt, RetryConfig};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

pub use self::upload::PART;
use self::upload::Upload;
use crate::config;

/// How long the store may take to answer before the outbox waits and tries again.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long one try goes on by itself; the outbox has days.
const INSIST: Duration = Duration::from_secs(20);

/// The store could not.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    /// What the store, or the way there, says.
    #[error("{0}")]
    Store(#[from] object_store::Error),
    /// What the system says of our own file.
    #[error("{0}")]
    System(#[from] std::io::Error),
    /// It has forgotten the parts that it had.
    #[error("the bucket does not know the parts of {name} any more; they are sent again")]
    Expired {
        /// The file.
        name: String,
    },
    /// The store has something else than it was given.
    #[error("{name} did not arrive in the bucket as it left")]
    Differs {
        /// The file.
        name: String,
    },
}

/// A bucket. Clones share it.
#[derive(Clone)]
pub struct Bucket {
    store: Arc<AmazonS3>,
    prefix: Arc<str>,
    etag_is_md5: bool,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket").finish_non_exhaustive() // it holds a secret
    }
}

impl Bucket {
    /// The bucket that the configuration names, if it names one. Asks nobody.
    ///
    /// # Errors
    ///
    /// The configuration makes no sense.
    pub fn open(config: &config::Storage) -> Result<Option<Self>, BucketError> {
        if config.bucket.is_empty() {
            return Ok(None);
        }
        let client = ClientOptions::new()
            .with_allow_http(config.endpoint.starts_with("http://"))
            .with_timeout(PATIENCE)
            .with_connect_timeout(Duration::from_secs(5));
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&config.bucket)
            .with_region(&config.region)
            .with_access_key_id(&config.access_key_id)
            .with_secret_access_key(&config.secret_access_key)
            .with_virtual_hosted_style_request(!config.path_style)
            .with_conditional_put(S3ConditionalPut::Disabled)
            // The store refuses what does not arrive as it left.
            .with_checksum_algorithm(Checksum::SHA256)
            .with_client_options(client)
            .with_retry(RetryConfig {
                max_retries: 3,
                retry_timeout: INSIST,
                ..RetryConfig::default()
            });
        if !config.endpoint.is_empty() {
            builder = builder.with_endpoint(&config.endpoint);
        }
        Ok(Some(Self {
            store: Arc::new(builder.build()?),
            prefix: config.prefix.trim_matches('/').into(),
            etag_is_md5: config.etag_is_md5,
        }))
    }

    fn key(&self, id: &RecordingId, name: &str) -> Key {
        let parts = [&*self.prefix, id.as_str(), name].into_iter();
        parts.filter(|part| !part.is_empty()).collect()
    }

    /// Puts a file there and looks whether it is. What an earlier try sent of it is not sent again, also where the
    /// server was restarted since.
    ///
    /// # Errors
    ///
    /// It is not there, or not whole.
    pub async fn put(
        &self,
        id: &RecordingId,
        file: &RecordingFile,
        from: &Path,
    ) -> Result<(), BucketError> {
        let upload = Upload {
            store: &self.store,
            key: self.key(id, &file.name),
            file,
            from,
        };
        if upload.is_there().await? {
            return Ok(()); // an earlier try got that far
        }
        let sent = if file.size_bytes <= PART as u64 {
            upload.whole().await?
        } else {
            upload.in_parts().await?
        };
        let told = upload
            .told()
            .await?
            .filter(|told| told.size == file.size_bytes);
        let etag = told.as_ref().and_then(|told| told.etag.as_deref());
        let same = etag.is_none_or(|etag| !self.etag_is_md5 || sent.fits(etag));
        if told.is_some() && same {
            return Ok(());
        }
        self.delete(id, &file.name).await?; // so that the next try sends it again
        let name = file.name.clone();
        Err(BucketError::Differs { name })
    }

    /// Brings a file back.
    ///
    /// # Errors
    ///
    /// It cannot be had.
    pub async fn fetch(&self, id: &RecordingId, name: &str, to: &Path) -> Result<(), BucketError> {
        let mut parts = self.store.get(&self.key(id, name)).await?.into_stream();
        let part = to.with_extension("part");
        let mut file = File::create(&part).await?;
        while let Some(bytes) = parts.next().await {
            file.write_all(&bytes?).await?;
        }
        file.sync_all().await?;
        Ok(tokio::fs::rename(part, to).await?)
    }

    /// Deletes a file; one that is not there is deleted.
    ///
    /// # Errors
    ///
    /// The store says no.
    pub async fn delete(&self, id: &RecordingId, name: &str) -> Result<(), BucketError> {
        match self.store.delete(&self.key(id, name)).await {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            done => Ok(done?),
        }
    }

    /// A link by which anybody can fetch a file for a while.
    ///
    /// # Errors
    ///
    /// It cannot be signed.
    pub async fn link(
        &self,
        id: &RecordingId,
        name: &str,
        life: Duration,
    ) -> Result<String, BucketError> {
        let url = self
            .store
            .signed_url(Method::GET, &self.key(id, name), life)
            .await?;
        Ok(url.to_string())
    }
}
