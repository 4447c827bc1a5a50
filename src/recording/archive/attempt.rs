//! How often the server ended while a recording was made: that is counted beside it, for whoever is killed cannot count.

use std::fs;
use std::path::{Path, PathBuf};

/// Holds how many times it was begun that came to no end.
const NAME: &str = "begun";

/// A recording is being made for as long as this lives. A failure ends it, and so does a server that stops; a kill does not.
#[derive(Debug)]
pub(super) struct Attempt(PathBuf);

impl Attempt {
    /// Begins one, and tells how many before it came to no end.
    pub(super) fn begin(folder: &Path) -> (Self, u32) {
        let path = folder.join(NAME);
        let told = fs::read_to_string(&path).ok();
        let before = told.and_then(|told| told.parse().ok()).unwrap_or(0);
        let begun: u32 = before + 1;
        let _ = fs::write(&path, begun.to_string()); // where nothing can be written, nothing is composed either
        (Self(path), before)
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0); // counted once too often at worst
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_came_to_no_end_is_counted_until_something_does() {
        let folder = tempfile::tempdir().expect("a folder");
        for killed in 0..3 {
            let (attempt, before) = Attempt::begin(folder.path());
            assert_eq!(before, killed);
            std::mem::forget(attempt); // as a kill leaves it
        }
        let (attempt, before) = Attempt::begin(folder.path());
        assert_eq!(before, 3);
        drop(attempt);
        let (_attempt, before) = Attempt::begin(folder.path());
        assert_eq!(before, 0, "it failed, or the server was stopped");
    }
}
