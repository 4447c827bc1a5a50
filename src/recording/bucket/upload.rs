//! One file on its way to the bucket: in one piece, or in parts that need not be sent twice.
//!
//! What the store has of a file in parts is kept beside it, so a server that dies in the middle goes on where it was.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use calls_model::RecordingFile;
use md5::{Digest as _, Md5};
use object_store::aws::AmazonS3;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path as Key;
use object_store::{
    Attribute, Attributes, Error, GetOptions, ObjectStore, PutMultipartOptions, PutOptions,
    PutPayload,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::fs;
use tracing::warn;

use crate::recording::StorageError;
use crate::recording::storage::{is_as_made, of_finished};

/// Files larger than this go up in parts of this size.
pub const PART: usize = 8 << 20;

/// Under which name the store keeps what a file is (`x-amz-meta-sha256`).
const SHA256: &str = "sha256";

/// A file, and where it goes.
pub(super) struct Upload<'a> {
    pub(super) store: &'a AmazonS3,
    pub(super) key: Key,
    pub(super) file: &'a RecordingFile,
    pub(super) from: &'a Path,
}

/// What the store tells of an object.
pub(super) struct Told {
    pub(super) size: u64,
    pub(super) etag: Option<String>,
    sha256: Option<String>,
}

/// MD5 of what was sent, as most stores give it back in the `ETag`: of all, or of the MD5s of the parts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sent(String);

impl Sent {
    fn whole(bytes: &[u8]) -> Self {
        Self(hex::encode(Md5::digest(bytes)))
    }

    fn in_parts(parts: &[Part]) -> Self {
        let mut all = Md5::new();
        for part in parts {
            all.update(hex::decode(&part.md5).unwrap_or_default());
        }
        Self(format!("{}-{}", hex::encode(all.finalize()), parts.len()))
    }

    /// Whether this `ETag` can be of it. One that is no MD5 says nothing.
    pub(super) fn fits(&self, etag: &str) -> bool {
        let etag = etag.trim_matches('"');
        let md5 = etag.split('-').next().unwrap_or_default();
        let is_md5 = md5.len() == 32 && md5.bytes().all(|byte| byte.is_ascii_hexdigit());
        !is_md5 || etag.eq_ignore_ascii_case(&self.0)
    }
}

/// A file that is read part by part, with its SHA-256 so far.
struct Source {
    file: File,
    all: Sha256,
}

impl Source {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: File::open(path)?,
            all: Sha256::new(),
        })
    }

    /// The next part and its MD5; empty at the end.
    fn part(mut self, most: usize) -> io::Result<(Self, Vec<u8>, String)> {
        let mut bytes = Vec::with_capacity(most);
        self.file
            .by_ref()
            .take(most as u64)
            .read_to_end(&mut bytes)?;
        self.all.update(&bytes);
        let md5 = hex::encode(Md5::digest(&bytes));
        Ok((self, bytes, md5))
    }
}

/// Reads and reckons where it keeps nobody else waiting: a part takes tens of milliseconds.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|stopped| Err(io::Error::other(stopped)))
}

/// What the store has of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Progress {
    /// Of which content: a file of this name may have been made anew.
    sha256: String,
    /// The store's name of the upload.
    upload: String,
    /// How large each part is but the last.
    part_bytes: usize,
    parts: Vec<Part>,
}

/// A part that the store has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    /// The store's name of it.
    id: String,
    /// Of what was sent, in lower-case hex.
    md5: String,
}

/// What is noted of a file that is, or was, on its way in parts.
pub(super) struct Begun {
    /// The file.
    pub(super) name: String,
    note: PathBuf,
}

impl Begun {
    /// Lets go of what the store has of it, and of the note. What cannot be let go of is left to the bucket's own rules.
    pub(super) async fn give_up(&self, store: &AmazonS3, key: &Key) -> io::Result<()> {
        let noted = match fs::read(&self.note).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            noted => noted?,
        };
        if let Ok(Progress { upload, .. }) = serde_json::from_slice(&noted) {
            match store.abort_multipart(key, &upload).await {
                Ok(()) | Err(Error::NotFound { .. }) => {}
                Err(error) => {
                    let name = &self.name;
                    warn!(%error, "parts of {name} stay in the bucket until its own rules clear them away: {error}");
                }
            }
        }
        remove(&self.note).await
    }
}

/// All that was begun of files in this folder and came to no end.
pub(super) async fn begun(folder: &Path) -> io::Result<Vec<Begun>> {
    let mut entries = match fs::read_dir(folder).await {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut all = Vec::new();
    while let Some(entry) = entries.next_entry().await? {
        let note = entry.file_name();
        let name = note.to_str().and_then(|note| {
            let name = note.strip_prefix("upload-")?.strip_suffix(".json")?;
            Some(name.to_owned())
        });
        all.extend(name.map(|name| Begun {
            name,
            note: entry.path(),
        }));
    }
    Ok(all)
}

impl Upload<'_> {
    /// What the store tells (HEAD); `None` where it has no such object.
    pub(super) async fn told(&self) -> Result<Option<Told>, Error> {
        let options = GetOptions {
            head: true,
            ..GetOptions::default()
        };
        match self.store.get_opts(&self.key, options).await {
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
            Ok(found) => {
                let sha256 = found.attributes.get(&Attribute::Metadata(SHA256.into()));
                Ok(Some(Told {
                    size: found.meta.size,
                    sha256: sha256.map(|sha256| sha256.as_ref().to_owned()),
                    etag: found.meta.e_tag,
                }))
            }
        }
    }

    /// The bucket has exactly this.
    pub(super) async fn is_there(&self) -> Result<bool, Error> {
        let told = self.told().await?;
        Ok(told.is_some_and(|told| {
            told.size == self.file.size_bytes && told.sha256.as_ref() == Some(&self.file.sha256)
        }))
    }

    fn attributes(&self) -> Attributes {
        Attributes::from_iter([
            (Attribute::Metadata(SHA256.into()), self.file.sha256.clone()),
            (Attribute::ContentType, self.file.media_type.clone()),
        ])
    }

    /// What the system says of the file that is sent.
    fn of_own(&self, error: io::Error) -> StorageError {
        of_finished(error, self.from, &self.file.name)
    }

    /// Sends it at once.
    pub(super) async fn whole(&self) -> Result<Sent, StorageError> {
        let from = self.from.to_owned();
        let read = apart(move || {
            let bytes = std::fs::read(from)?;
            let sums = (Sha256::digest(&bytes), Sent::whole(&bytes));
            Ok((bytes, sums))
        });
        let (bytes, (sha256, sent)) = read.await.map_err(|error| self.of_own(error))?;
        is_as_made(self.file, &hex::encode(sha256))?;
        let options = PutOptions {
            attributes: self.attributes(),
            ..PutOptions::default()
        };
        let payload = PutPayload::from(bytes);
        self.store.put_opts(&self.key, payload, options).await?;
        Ok(sent)
    }

    /// Sends the parts that the store does not have.
    pub(super) async fn in_parts(&self) -> Result<Sent, StorageError> {
        let mut progress = match self.progress().await? {
            Some(progress) => progress,
            None => self.begin().await?,
        };
        let sent = self.go_on(&mut progress).await;
        match &sent {
            Ok(_) => self.forget().await?,
            // The disk gives back something else than was made: nothing of it is to stay there.
            Err(StorageError::Damaged { .. }) => self.begin_anew(&progress).await?,
            // It has forgotten the upload (NoSuchUpload), after its own rules; the next try begins anew. Where it does not let
            // us write, it has forgotten nothing, and the next one goes on.
            Err(StorageError::Store(Error::NotFound { .. })) if self.told().await.is_ok() => {
                self.begin_anew(&progress).await?;
                let name = self.file.name.clone();
                return Err(StorageError::Expired { name });
            }
            Err(_) => {}
        }
        sent
    }

    /// Lets go of what the store has of it, and of the note. What cannot be let go of is left to the bucket's own rules.
    async fn begin_anew(&self, progress: &Progress) -> io::Result<()> {
        let gone = self.store.abort_multipart(&self.key, &progress.upload);
        let _ = gone.await;
        self.forget().await
    }

    /// Reads all of it, also what was sent before, so that it is known whether that is what was made.
    async fn go_on(&self, progress: &mut Progress) -> Result<Sent, StorageError> {
        let from = self.from.to_owned();
        let opened = apart(move || Source::open(&from)).await;
        let mut source = opened.map_err(|error| self.of_own(error))?;
        for index in 0.. {
            let most = progress.part_bytes;
            let read = apart(move || source.part(most)).await;
            let (read, bytes, md5) = read.map_err(|error| self.of_own(error))?;
            source = read;
            if bytes.is_empty() {
                break;
            }
            if progress
                .parts
                .get(index)
                .is_some_and(|sent| sent.md5 == md5)
            {
                continue;
            }
            progress.parts.truncate(index);
            let payload = PutPayload::from(bytes);
            let sent = self
                .store
                .put_part(&self.key, &progress.upload, index, payload);
            let PartId { content_id: id } = sent.await?;
            progress.parts.push(Part { id, md5 });
            self.keep(progress).await?;
        }
        is_as_made(self.file, &hex::encode(source.all.finalize()))?;
        let part = |part: &Part| PartId {
            content_id: part.id.clone(),
        };
        let parts = progress.parts.iter().map(part).collect();
        let complete = self
            .store
            .complete_multipart(&self.key, &progress.upload, parts);
        complete.await?;
        Ok(Sent::in_parts(&progress.parts))
    }

    async fn begin(&self) -> Result<Progress, StorageError> {
        let options = PutMultipartOptions {
            attributes: self.attributes(),
            ..PutMultipartOptions::default()
        };
        let progress = Progress {
            sha256: self.file.sha256.clone(),
            upload: self.store.create_multipart_opts(&self.key, options).await?,
            part_bytes: PART,
            parts: Vec::new(),
        };
        self.keep(&progress).await?;
        Ok(progress)
    }

    /// Where it is kept what the store has.
    fn note(&self) -> PathBuf {
        let name = format!("upload-{}.json", self.file.name);
        self.from.with_file_name(name)
    }

    /// What the store has of this very content. What it has of an earlier one is let go of.
    async fn progress(&self) -> Result<Option<Progress>, StorageError> {
        let text = match fs::read(self.note()).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            text => text?,
        };
        let Ok(progress) = serde_json::from_slice::<Progress>(&text) else {
            return Ok(None); // a power cut left it empty
        };
        if progress.sha256 == self.file.sha256 && progress.part_bytes > 0 {
            return Ok(Some(progress));
        }
        self.begin_anew(&progress).await?;
        Ok(None)
    }

    async fn keep(&self, progress: &Progress) -> io::Result<()> {
        let note = self.note();
        let part = note.with_extension("part");
        fs::write(&part, serde_json::to_vec(progress)?).await?;
        fs::rename(part, note).await
    }

    pub(super) async fn forget(&self) -> io::Result<()> {
        remove(&self.note()).await
    }
}

/// Removes a note, which may be gone.
async fn remove(note: &Path) -> io::Result<()> {
    match fs::remove_file(note).await {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_of_something_else_is_noticed_and_one_that_is_no_md5_says_nothing() {
        let sent = Sent::whole(b"hello");
        assert!(sent.fits("\"5d41402abc4b2a76b9719d911017c592\""));
        assert!(!sent.fits("\"7d793037a0760186574b0282f2f435e7\""));
        assert!(sent.fits("\"v1.something-else\""));
        let part = |bytes: &[u8]| Part {
            id: String::new(),
            md5: hex::encode(Md5::digest(bytes)),
        };
        let sent = Sent::in_parts(&[part(b"one"), part(b"two")]);
        assert!(!sent.fits("\"5d41402abc4b2a76b9719d911017c592\""));
        assert!(sent.0.ends_with("-2"));
    }
}
