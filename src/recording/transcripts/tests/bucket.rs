//! A bucket in a folder, which takes its time with one request, and may be away.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use calls_model::{FilePlace, RecordingFile, RecordingId};
use tokio::sync::Notify;

use super::super::NAME;
use crate::recording::StorageError;
use crate::recording::storage::Storage;

/// Which request takes long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    Nothing,
    Fetch,
    Put,
    /// That of a transcript, which is gone by then.
    Deletion,
}

#[derive(Debug)]
pub(super) struct SlowBucket {
    folder: PathBuf,
    holds: Holds,
    held: AtomicBool,
    came: Notify,
    goes_on: Notify,
    is_away: AtomicBool,
}

impl SlowBucket {
    pub(super) fn new(folder: PathBuf, holds: Holds) -> Self {
        std::fs::create_dir(&folder).expect("a folder");
        Self {
            folder,
            holds,
            held: AtomicBool::new(false),
            came: Notify::new(),
            goes_on: Notify::new(),
            is_away: AtomicBool::new(false),
        }
    }

    /// Waits until it has the request that takes long.
    pub(super) async fn holds_one(&self) {
        self.came.notified().await;
    }

    pub(super) fn lets_go(&self) {
        self.goes_on.notify_one();
    }

    pub(super) fn goes_away(&self) {
        self.is_away.store(true, Ordering::SeqCst);
    }

    pub(super) fn files(&self) -> usize {
        let files = std::fs::read_dir(&self.folder).expect("its folder");
        files.count()
    }

    fn path(&self, id: &RecordingId, name: &str) -> PathBuf {
        self.folder.join(format!("{id}-{name}"))
    }

    /// The first of its kind only.
    async fn hold(&self, request: Holds) {
        if self.holds == request && !self.held.swap(true, Ordering::SeqCst) {
            self.came.notify_one();
            self.goes_on.notified().await;
        }
    }

    fn is_there(&self) -> Result<(), StorageError> {
        if self.is_away.load(Ordering::SeqCst) {
            return Err(io::Error::other("the bucket is away").into());
        }
        Ok(())
    }
}

#[async_trait]
impl Storage for SlowBucket {
    fn place(&self) -> FilePlace {
        FilePlace::Bucket
    }

    async fn put(
        &self,
        id: &RecordingId,
        file: &RecordingFile,
        from: &Path,
    ) -> Result<(), StorageError> {
        self.is_there()?;
        self.hold(Holds::Put).await;
        std::fs::copy(from, self.path(id, &file.name))?;
        Ok(())
    }

    /// What was asked for in time is found to be gone.
    async fn fetch(&self, id: &RecordingId, name: &str, to: &Path) -> Result<(), StorageError> {
        self.hold(Holds::Fetch).await;
        match std::fs::copy(self.path(id, name), to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let (path, source) = (name.to_owned(), Box::new(error));
                Err(object_store::Error::NotFound { path, source }.into())
            }
            copied => Ok(copied.map(drop)?),
        }
    }

    async fn delete(&self, id: &RecordingId, name: &str) -> Result<(), StorageError> {
        self.is_there()?;
        let gone = std::fs::remove_file(self.path(id, name));
        if name == NAME {
            self.hold(Holds::Deletion).await;
        }
        match gone {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    async fn give_up(&self, _: &RecordingId, _: &Path) -> Result<(), StorageError> {
        Ok(())
    }

    async fn link(
        &self,
        _: &RecordingId,
        _: (&str, &str),
        _: Duration,
    ) -> Result<Option<String>, StorageError> {
        Ok(None)
    }
}
