//! Where the files of a recording are kept that people get: on this disk, or in a bucket.

use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use calls_model::{FilePlace, RecordingFile, RecordingId};

use super::bucket::{Bucket, said};
use super::finish::sha256;
use crate::config;

/// Files cannot be kept, or had.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// What the bucket, or the way there, says.
    #[error("{}", said(.0))]
    Store(#[from] object_store::Error),
    /// What the system says of our own file.
    #[error("{0}")]
    System(#[from] io::Error),
    /// The bucket has forgotten the parts that it had.
    #[error("the bucket does not know the parts of {name} any more; they are sent again")]
    Expired {
        /// The file.
        name: String,
    },
    /// The bucket has something else than it was given.
    #[error("{name} did not arrive in the bucket as it left")]
    Differs {
        /// The file.
        name: String,
    },
    /// The file on this disk is not what was finished.
    #[error("{name} is damaged: {how}")]
    Damaged {
        /// The file.
        name: String,
        /// What the disk gives back.
        how: Damage,
    },
    /// Files are in a bucket that the configuration does not name any more.
    #[error("the file is in a bucket, and `storage.bucket` names none")]
    NoBucket,
}

/// What the disk gives back instead of what was finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// Something else.
    #[error("its SHA-256 is not that of what was made; it stays on the server's disk")]
    Other,
    /// An error (EIO).
    #[error("the server's disk cannot read it; it stays there")]
    Unreadable,
    /// Nothing.
    #[error("it is gone from the server's disk")]
    Gone,
}

impl StorageError {
    /// The bucket's own words, for the log.
    pub(super) fn in_its_words(&self) -> Option<String> {
        match self {
            Self::Store(error) => Some(error.to_string()),
            _ => None,
        }
    }

    /// Waiting does not help.
    pub fn is_lasting(&self) -> bool {
        matches!(
            self,
            Self::NoBucket
                | Self::Damaged { .. }
                | Self::Store(object_store::Error::NotFound { .. })
        )
    }
}

/// What the system says of a finished file. One that is gone, where its folder is there, and one that the disk cannot read are
/// damaged.
pub(super) fn of_finished(error: io::Error, path: &Path, name: &str) -> StorageError {
    let gone = error.kind() == io::ErrorKind::NotFound && path.parent().is_some_and(Path::exists);
    let how = match is_unreadable(&error) {
        true => Damage::Unreadable,
        false if gone => Damage::Gone,
        false => return error.into(),
    };
    let name = name.to_owned();
    StorageError::Damaged { name, how }
}

/// What was read of a file, of this SHA-256, is what was made.
pub(super) fn is_as_made(file: &RecordingFile, sha256: &str) -> Result<(), StorageError> {
    if sha256 == file.sha256 {
        return Ok(());
    }
    let (name, how) = (file.name.clone(), Damage::Other);
    Err(StorageError::Damaged { name, how })
}

/// So a disk tells of a sector that it cannot read.
pub(super) fn is_unreadable(error: &io::Error) -> bool {
    rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::IO)
}

/// Keeps files.
#[async_trait]
pub trait Storage: Debug + Send + Sync {
    /// What files that are kept here say of it.
    fn place(&self) -> FilePlace;

    /// Keeps a file that is on this disk, and looks whether it is there. The one on this disk stays.
    ///
    /// # Errors
    ///
    /// It is not there, not whole, or not what was made of this SHA-256 ([`StorageError::Damaged`]).
    async fn put(
        &self,
        id: &RecordingId,
        file: &RecordingFile,
        from: &Path,
    ) -> Result<(), StorageError>;

    /// Brings a file onto this disk.
    ///
    /// # Errors
    ///
    /// It cannot be had.
    async fn fetch(&self, id: &RecordingId, name: &str, to: &Path) -> Result<(), StorageError>;

    /// Deletes a file; one that is not there is deleted.
    ///
    /// # Errors
    ///
    /// It is still there.
    async fn delete(&self, id: &RecordingId, name: &str) -> Result<(), StorageError>;

    /// Gives up what was begun to be kept of a recording in this folder and came to no end; nothing of it is on its way any more.
    ///
    /// # Errors
    ///
    /// What the system says.
    async fn give_up(&self, id: &RecordingId, folder: &Path) -> Result<(), StorageError>;

    /// A link by which anybody can fetch a file there for a while, under this name; `None` where only this server gives it.
    ///
    /// # Errors
    ///
    /// It cannot be signed.
    async fn link(
        &self,
        id: &RecordingId,
        (name, saved_as): (&str, &str),
        life: Duration,
    ) -> Result<Option<String>, StorageError>;
}

/// This disk: files are kept where they were made.
#[derive(Debug)]
struct Disk {
    folder: PathBuf,
}

impl Disk {
    fn path(&self, id: &RecordingId, name: &str) -> PathBuf {
        self.folder.join(id.as_str()).join(name)
    }
}

#[async_trait]
impl Storage for Disk {
    fn place(&self) -> FilePlace {
        FilePlace::Local
    }

    async fn put(
        &self,
        id: &RecordingId,
        file: &RecordingFile,
        from: &Path,
    ) -> Result<(), StorageError> {
        let path = self.path(id, &file.name);
        if path != from {
            tokio::fs::copy(from, &path).await?;
        }
        let of = path.clone();
        let read = tokio::task::spawn_blocking(move || sha256(&of)).await;
        let read = read.unwrap_or_else(|stopped| Err(io::Error::other(stopped)));
        let read = read.map_err(|error| of_finished(error, &path, &file.name))?;
        is_as_made(file, &read)
    }

    async fn fetch(&self, id: &RecordingId, name: &str, to: &Path) -> Result<(), StorageError> {
        let path = self.path(id, name);
        if path != to {
            tokio::fs::copy(path, to).await?;
        }
        Ok(())
    }

    async fn delete(&self, id: &RecordingId, name: &str) -> Result<(), StorageError> {
        gone(tokio::fs::remove_file(self.path(id, name)).await)
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

/// What is not there is gone.
fn gone(removed: io::Result<()>) -> Result<(), StorageError> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// All places where files may be: where new ones go may have changed since older ones came.
#[derive(Debug, Clone)]
pub struct Storages {
    disk: Arc<dyn Storage>,
    bucket: Option<Arc<dyn Storage>>,
}

impl Storages {
    /// What the configuration names. Asks nobody.
    ///
    /// # Errors
    ///
    /// The configuration makes no sense.
    pub fn open(folder: PathBuf, config: &config::Storage) -> Result<Self, StorageError> {
        let bucket = Bucket::open(config)?;
        Ok(Self {
            disk: Arc::new(Disk { folder }),
            bucket: bucket.map(|bucket| Arc::new(bucket) as Arc<dyn Storage>),
        })
    }

    /// Asks the bucket that the configuration names for something that it has not; `false` where it names none.
    ///
    /// # Errors
    ///
    /// The bucket is not there, cannot be reached, or does not let the server in.
    pub(crate) async fn ask_bucket(config: &config::Storage) -> Result<bool, StorageError> {
        let Some(bucket) = Bucket::open(config)? else {
            return Ok(false);
        };
        bucket.ask().await?;
        Ok(true)
    }

    /// The same, with this for a bucket.
    #[cfg(all(test, feature = "testing"))]
    pub(super) fn with_bucket(self, bucket: Arc<dyn Storage>) -> Self {
        let bucket = Some(bucket);
        Self { bucket, ..self }
    }

    /// Where new files are kept.
    pub fn wanted(&self) -> &dyn Storage {
        self.bucket.as_deref().unwrap_or(&*self.disk)
    }

    /// All of them, this disk last.
    fn all(&self) -> impl Iterator<Item = &dyn Storage> {
        [self.bucket.as_deref(), Some(&*self.disk)]
            .into_iter()
            .flatten()
    }

    /// Deletes what has these names, wherever it may be: what is made once more is on this disk, while the bucket still has it.
    /// Nothing goes here before all of it is gone there.
    ///
    /// # Errors
    ///
    /// Some is still somewhere.
    pub async fn delete(&self, id: &RecordingId, names: &[&str]) -> Result<(), StorageError> {
        for storage in self.all() {
            for name in names {
                storage.delete(id, name).await?;
            }
        }
        Ok(())
    }

    /// Gives up what was begun anywhere to be kept of a recording in this folder.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub async fn give_up(&self, id: &RecordingId, folder: &Path) -> Result<(), StorageError> {
        for storage in self.all() {
            storage.give_up(id, folder).await?;
        }
        Ok(())
    }

    /// Where these files are.
    ///
    /// # Errors
    ///
    /// [`StorageError::NoBucket`].
    pub fn of(&self, place: FilePlace) -> Result<&dyn Storage, StorageError> {
        match place {
            FilePlace::Local => Ok(&*self.disk),
            FilePlace::Bucket => self.bucket.as_deref().ok_or(StorageError::NoBucket),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What storage says of a finished file after this happened to it.
    async fn says(spoil: impl FnOnce(&Path)) -> Result<(), StorageError> {
        let folder = tempfile::tempdir().expect("a folder");
        let id = RecordingId::new();
        let place = folder.path().join(id.as_str());
        std::fs::create_dir(&place).expect("a folder");
        let path = place.join("ada.webm");
        std::fs::write(&path, "as it was made").expect("written");
        let file = serde_json::from_value(serde_json::json!({
            "name": "ada.webm", "kind": "track", "participant_id": null, "user_id": "ada", "source": "camera", "codec": "vp8",
            "media_type": "video/webm", "start_ms": 0, "duration_ms": 1000, "size_bytes": 14,
            "sha256": sha256(&path).expect("a sum"), "place": "local",
        }));
        spoil(&path);
        let disk = Disk {
            folder: folder.path().to_owned(),
        };
        disk.put(&id, &file.expect("a file"), &path).await
    }

    #[actix::test]
    async fn what_a_disk_gives_back_instead_of_a_file_is_told_by_its_name() {
        says(|_| ()).await.expect("it is as it was made");
        let gone = |path: &Path| std::fs::remove_file(path).expect("it was there");
        let said = |said: Result<(), StorageError>| said.expect_err("damage").to_string();
        let rotten = says(|path| std::fs::write(path, "something else").expect("written"));
        assert_eq!(
            said(rotten.await),
            "ada.webm is damaged: its SHA-256 is not that of what was made; it stays on the server's disk"
        );
        assert_eq!(
            said(says(gone).await),
            "ada.webm is damaged: it is gone from the server's disk"
        );
        let unreadable = says(|path| {
            gone(path);
            // Nobody can read its beginning: the system says EIO, as of a sector that is lost.
            std::os::unix::fs::symlink("/proc/self/mem", path).expect("a link");
        });
        assert_eq!(
            said(unreadable.await),
            "ada.webm is damaged: the server's disk cannot read it; it stays there"
        );
    }

    #[actix::test]
    async fn where_the_whole_folder_is_gone_another_disk_may_belong_there() {
        let away = says(|path| {
            let folder = path.parent().expect("its folder");
            std::fs::remove_dir_all(folder).expect("it was there");
        });
        let said = away.await.expect_err("it cannot be had");
        assert!(matches!(said, StorageError::System(_)), "{said}");
    }
}
