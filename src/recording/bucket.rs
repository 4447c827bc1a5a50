//! A bucket of an S3-compatible store, where recordings are kept if the configuration names one.

mod said;
mod upload;

use std::fmt;
use std::io;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use calls_model::{FilePlace, RecordingFile, RecordingId};
use futures_util::StreamExt;
use http::Method;
use object_store::aws::{AmazonS3, AmazonS3Builder, Checksum, S3ConditionalPut};
use object_store::path::Path as Key;
use object_store::signer::{SignedUrlOptions, Signer};
use object_store::{ClientOptions, ObjectStoreExt, RetryConfig};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

pub(super) use self::said::said;
pub use self::upload::PART;
use self::upload::Upload;
use super::storage::{Storage, StorageError};
use super::unsent;
use crate::config;

/// How long the store may take to answer before the outbox waits and tries again.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long one try goes on by itself; the outbox has days.
const INSIST: Duration = Duration::from_secs(20);

/// A bucket.
pub(super) struct Bucket {
    store: AmazonS3,
    prefix: String,
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
    pub(super) fn open(config: &config::Storage) -> Result<Option<Self>, StorageError> {
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
            store: builder.build()?,
            prefix: config.prefix.trim_matches('/').to_owned(),
            etag_is_md5: config.etag_is_md5,
        }))
    }

    /// Asks for something that is not there: by that the store tells whether it lets us read in this bucket.
    pub(super) async fn ask(&self) -> Result<(), StorageError> {
        let parts = [self.prefix.as_str(), "calls-doctor"].into_iter();
        let nothing: Key = parts.filter(|part| !part.is_empty()).collect();
        match self.store.get(&nothing).await {
            Err(object_store::Error::NotFound { source, .. })
                if !source.to_string().contains("NoSuchBucket") =>
            {
                Ok(())
            }
            asked => Ok(asked.map(drop)?),
        }
    }

    fn key(&self, id: &RecordingId, name: &str) -> Key {
        let parts = [self.prefix.as_str(), id.as_str(), name].into_iter();
        parts.filter(|part| !part.is_empty()).collect()
    }
}

#[async_trait]
impl Storage for Bucket {
    fn place(&self) -> FilePlace {
        FilePlace::Bucket
    }

    /// What an earlier try sent of it is not sent again, also where the server was restarted since.
    async fn put(
        &self,
        id: &RecordingId,
        file: &RecordingFile,
        from: &Path,
    ) -> Result<(), StorageError> {
        let upload = Upload {
            store: &self.store,
            key: self.key(id, &file.name),
            file,
            from,
        };
        let is_there = upload.is_there().await?;
        if let Some(folder) = from.parent() {
            let folder = folder.to_owned();
            let gone = tokio::task::spawn_blocking(move || unsent::forget(&folder)).await;
            gone.unwrap_or_else(|stopped| Err(io::Error::other(stopped)))?; // the bucket lets us in, so it may have something of it from now on
        }
        if is_there {
            upload.forget().await?;
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
        Err(StorageError::Differs { name })
    }

    async fn fetch(&self, id: &RecordingId, name: &str, to: &Path) -> Result<(), StorageError> {
        let mut parts = self.store.get(&self.key(id, name)).await?.into_stream();
        let part = to.with_extension("part");
        let mut file = File::create(&part).await?;
        while let Some(bytes) = parts.next().await {
            file.write_all(&bytes?).await?;
        }
        file.sync_all().await?;
        Ok(tokio::fs::rename(part, to).await?)
    }

    async fn delete(&self, id: &RecordingId, name: &str) -> Result<(), StorageError> {
        match self.store.delete(&self.key(id, name)).await {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            done => Ok(done?),
        }
    }

    async fn give_up(&self, id: &RecordingId, folder: &Path) -> Result<(), StorageError> {
        for begun in upload::begun(folder).await? {
            begun
                .give_up(&self.store, &self.key(id, &begun.name))
                .await?;
        }
        Ok(())
    }

    async fn link(
        &self,
        id: &RecordingId,
        (name, saved_as): (&str, &str),
        life: Duration,
    ) -> Result<Option<String>, StorageError> {
        let disposition = format!("attachment; filename=\"{saved_as}\"");
        let options =
            SignedUrlOptions::new().with_query([("response-content-disposition", disposition)]);
        let key = self.key(id, name);
        let signed = self
            .store
            .signed_url_opts(Method::GET, &key, life, &options);
        let url = signed.await?;
        Ok(Some(url.to_string()))
    }
}
