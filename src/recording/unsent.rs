//! Of which recordings no bucket ever had anything. That is noted beside their files when they are made, and taken back before
//! the first byte of them is sent: so they can be deleted while the bucket is away. Without such a note it is asked.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

const NAME: &str = "unsent";

/// Nothing of it was sent.
pub(super) fn note(folder: &Path) -> io::Result<()> {
    File::create(folder.join(NAME)).map(drop)
}

/// Nothing of it was ever sent.
pub(super) fn is_noted(folder: &Path) -> bool {
    folder.join(NAME).exists()
}

/// Something of it is sent next. No power cut brings the note back.
pub(super) fn forget(folder: &Path) -> io::Result<()> {
    match fs::remove_file(folder.join(NAME)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        gone => gone.and_then(|()| File::open(folder)?.sync_all()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_noted_may_have_been_sent() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        assert!(!is_noted(folder), "nobody knows");
        forget(folder).expect("nothing to forget");
        note(folder).expect("noted");
        assert!(is_noted(folder));
        forget(folder).expect("it is sent");
        assert!(!is_noted(folder));
    }
}
