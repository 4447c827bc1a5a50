//! What is in the files that members share: kept on the server's disk, a folder for each call, until they are old.

pub mod sniff;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use calls_actors::clock::Clock;
use calls_model::{CallId, Fact, FileId, SharedFile, Timestamp};
use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt;
use tracing::{info, warn};

use crate::config;
use crate::store::{Store, StoreError};

/// Bytes of a megabyte, as disks are sold.
const MEGABYTE: u64 = 1_000_000;

/// How often it looks for what was kept for long enough.
const SWEEP: Duration = Duration::from_secs(60 * 60);

/// What a file that is still coming ends with.
const COMING: &str = "part";

/// The shelf of shared files. Clones share it.
#[derive(Clone)]
pub struct Files {
    folder: Arc<Path>,
    config: Arc<config::Files>,
    store: Store,
    clock: Arc<dyn Clock>,
}

impl Files {
    /// Over this configuration.
    pub fn new(config: &config::Files, store: Store, clock: Arc<dyn Clock>) -> Self {
        Self {
            folder: config.folder.as_path().into(),
            config: Arc::new(config.clone()),
            store,
            clock,
        }
    }

    /// Bytes that one file may have; 0: none can be shared.
    pub fn most(&self) -> u64 {
        self.config.max_mb * MEGABYTE
    }

    /// Bytes that all files of one call may have.
    pub fn most_of_call(&self) -> u64 {
        self.config.call_mb * MEGABYTE
    }

    /// Whether files of this type may be shared.
    pub fn takes(&self, media_type: &str) -> bool {
        sniff::is_among(media_type, &self.config.types)
    }

    fn path(&self, call: &CallId, id: &FileId) -> PathBuf {
        self.folder.join(call.as_str()).join(id.as_str())
    }

    /// Begins to take a file.
    ///
    /// # Errors
    ///
    /// The disk says no; or it is so full that none is taken ([`io::ErrorKind::StorageFull`]).
    pub async fn begin(&self, call: &CallId, id: &FileId) -> io::Result<Coming> {
        let path = self.path(call, id);
        let folder = self.folder.join(call.as_str());
        fs::create_dir_all(&folder).await?;
        let stat = rustix::fs::statvfs(&*folder)?;
        if stat.f_bavail * stat.f_frsize < self.config.min_free_mb * MEGABYTE {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let part = path.with_extension(COMING);
        let file = File::create_new(&part).await?;
        Ok(Coming { file, part, path })
    }

    /// Where a file is.
    pub fn place_of(&self, file: &SharedFile) -> PathBuf {
        self.path(&file.call_id, &file.file_id)
    }

    /// Deletes a file, from disk first.
    ///
    /// # Errors
    ///
    /// When the disk or the database fails.
    pub async fn delete(&self, file: &SharedFile) -> Result<(), StoreError> {
        match fs::remove_file(self.place_of(file)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(StoreError::Unavailable(error.to_string()));
            }
            _ => {}
        }
        let deleted = Fact::FileDeleted {
            call_id: file.call_id.clone(),
            file_id: file.file_id.clone(),
            at: self.clock.now(),
        };
        self.store.record(vec![deleted]).await?;
        let folder = self.folder.join(file.call_id.as_str());
        let _ = fs::remove_dir(folder).await; // the last one takes it along; else it is not empty
        Ok(())
    }

    /// Clears up what a crash left behind, then deletes what was kept for long enough, until the server ends.
    pub async fn run(self) {
        if let Err(error) = self.clear().await {
            warn!(%error, "what a crash left of shared files cannot be cleared up: {error}");
        }
        let mut beat = tokio::time::interval(SWEEP);
        loop {
            beat.tick().await;
            if let Err(error) = self.let_go_of_old().await {
                warn!(%error, "old files have to wait: {error}");
            }
        }
    }

    async fn let_go_of_old(&self) -> Result<(), StoreError> {
        if self.config.keep_days == 0 {
            return Ok(());
        }
        let age = i64::from(self.config.keep_days) * 24 * 60 * 60 * 1000;
        let Some(before) = Timestamp::from_millis(self.clock.now().millis() - age) else {
            return Ok(());
        };
        for file in self.store.files_before(before).await? {
            info!(file.id = %file.file_id, "file {} was kept for long enough", file.file_id);
            self.delete(&file).await?;
        }
        Ok(())
    }

    /// What did not come to its end, and what storage does not know, is nobody's.
    async fn clear(&self) -> io::Result<()> {
        let mut calls = match fs::read_dir(&*self.folder).await {
            Err(none) if none.kind() == io::ErrorKind::NotFound => return Ok(()),
            calls => calls?,
        };
        let started = std::time::SystemTime::now();
        while let Some(call) = calls.next_entry().await? {
            if !call.file_type().await?.is_dir() {
                continue;
            }
            let mut files = fs::read_dir(call.path()).await?;
            while let Some(file) = files.next_entry().await? {
                let fresh = file.metadata().await?.modified()? > started;
                let name = file.file_name().to_string_lossy().into_owned();
                let known = match name.parse::<FileId>() {
                    Ok(id) => self
                        .store
                        .file(&id)
                        .await
                        .map_err(io::Error::other)?
                        .is_some(),
                    Err(_) => !name.ends_with(COMING), // not ours
                };
                if !known && !fresh {
                    fs::remove_file(file.path()).await?;
                }
            }
        }
        Ok(())
    }
}

/// A file on its way in. Dropped before its end, nothing of it stays.
pub struct Coming {
    file: File,
    part: PathBuf,
    path: PathBuf,
}

impl Coming {
    /// Takes some more of it.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes).await
    }

    /// All of it is here.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub async fn finish(mut self) -> io::Result<()> {
        self.file.flush().await?;
        self.file.sync_all().await?;
        fs::rename(&self.part, &self.path).await
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.part); // not there any more where it was finished
    }
}
