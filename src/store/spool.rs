//! Facts that wait on disk for a database that is away: one line of JSON for each entry, in order.
//!
//! The scribe has them in memory too and writes them when it can; this file is for the case that the process dies before
//! that. What a line tells may have reached the database all the same, so whoever reads it looks first.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use calls_model::Fact;
use tracing::warn;

use super::address::Address;

/// A file of facts.
#[derive(Debug, Clone)]
pub(super) struct Spool(Option<PathBuf>);

impl Spool {
    /// At this path; where it is empty, beside SQLite's file, or in `data/`. A database in memory has none: nothing
    /// outlives it.
    pub(super) fn new(path: &Path, address: &Address) -> Self {
        if !path.as_os_str().is_empty() {
            return Self(Some(path.to_owned()));
        }
        Self(match address {
            Address::SqliteFile(path) => {
                let mut name = path.as_os_str().to_owned();
                name.push(".spool");
                Some(name.into())
            }
            Address::Postgres(_) => Some("data/facts.spool".into()),
            Address::SqliteMemory => None,
        })
    }

    /// Appends entries, and returns when the disk has them.
    pub(super) fn append(&self, entries: &[Vec<Fact>]) -> io::Result<()> {
        let Some(path) = &self.0 else {
            return Err(io::Error::other("a database in memory has no spool"));
        };
        let mut lines = vec![b'\n']; // whatever a full disk or a crash cut off before is a line of its own
        for entry in entries {
            serde_json::to_writer(&mut lines, entry)?;
            lines.push(b'\n');
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        file.write_all(&lines)?;
        file.sync_data()
    }

    /// All entries. A last line that a crash cut off is left out.
    pub(super) fn read(&self) -> io::Result<Vec<Vec<Fact>>> {
        let Some(path) = &self.0 else {
            return Ok(Vec::new());
        };
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut entries = Vec::new();
        for line in BufReader::new(file).split(b'\n') {
            let line = line?;
            if line.is_empty() {
                continue;
            }
            match serde_json::from_slice(&line) {
                Ok(entry) => entries.push(entry),
                Err(error) => {
                    warn!(%error, path = %path.display(), "a line of waiting facts cannot be read");
                }
            }
        }
        Ok(entries)
    }

    /// Nothing waits any more.
    pub(super) fn clear(&self) -> io::Result<()> {
        let Some(path) = &self.0 else {
            return Ok(());
        };
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use calls_model::{RoomId, Timestamp};

    use super::*;

    fn gone(millis: i64) -> Vec<Fact> {
        vec![Fact::RoomDeleted {
            room_id: RoomId::new(),
            at: Timestamp::from_millis(millis).unwrap(),
        }]
    }

    #[test]
    fn what_was_appended_is_read_in_order_and_a_torn_line_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/facts.spool");
        let spool = Spool::new(&path, &Address::SqliteMemory);
        assert!(spool.read().unwrap().is_empty());
        let entries = [gone(1), gone(2), gone(3)];
        spool.append(&entries[..1]).unwrap();
        spool.append(&entries[1..]).unwrap();
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"[{\"type\":\"room_del").unwrap();
        assert_eq!(spool.read().unwrap(), entries);
        spool.append(&entries[..1]).unwrap();
        let after: Vec<_> = entries.iter().chain(&entries[..1]).cloned().collect();
        assert_eq!(
            spool.read().unwrap(),
            after,
            "a torn line costs nobody else"
        );
        spool.clear().unwrap();
        spool.clear().unwrap();
        assert!(spool.read().unwrap().is_empty());
    }
}
