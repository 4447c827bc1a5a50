//! Unpacks an archive that somebody else made, into one folder and nowhere else.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use zip::ZipArchive;
use zip::result::ZipError;

/// An archive may grow to so many times its size. Models shrink by half at most.
const GROWS: u64 = 30;

/// Whatever its size, it may grow to this: 64 MB.
const SMALL: u64 = 64_000_000;

/// An archive cannot be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// It is none, or broken.
    #[error("the archive is broken: {0}")]
    Zip(#[from] ZipError),
    /// Something in it would be written outside of its folder.
    #[error("the archive has \"{0}\" in it, which leads elsewhere; nothing of it is kept")]
    Elsewhere(String),
    /// It grows without end.
    #[error("the archive grows to more than {0} bytes; nothing of it is kept")]
    Bomb(u64),
    /// There is nothing in it.
    #[error("the archive is empty")]
    Empty,
    /// What the system says.
    #[error("{0}")]
    System(#[from] io::Error),
}

/// Unpacks into a folder, which is made anew, and gives the folder in it that holds everything.
pub(super) fn unpack(archive: &Path, folder: &Path) -> Result<PathBuf, UnpackError> {
    let unpacked = unpack_all(archive, folder);
    if unpacked.is_err() && folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    unpacked
}

fn unpack_all(archive: &Path, folder: &Path) -> Result<PathBuf, UnpackError> {
    if folder.exists() {
        fs::remove_dir_all(folder)?; // of a time that was cut off
    }
    fs::create_dir_all(folder)?;
    let most = (fs::metadata(archive)?.len() * GROWS).max(SMALL);
    let mut zip = ZipArchive::new(File::open(archive)?)?;
    let mut left = most;
    for number in 0..zip.len() {
        let mut entry = zip.by_index(number)?;
        let name = entry.enclosed_name();
        let Some(name) = name.filter(|_| !entry.is_symlink()) else {
            let name = String::from_utf8_lossy(entry.name_raw());
            return Err(UnpackError::Elsewhere(name.into_owned()));
        };
        let path = folder.join(name);
        if entry.is_dir() {
            fs::create_dir_all(path)?;
            continue;
        }
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        let mut file = File::create(path)?;
        let written = io::copy(&mut (&mut entry).take(left + 1), &mut file)?;
        left = left.checked_sub(written).ok_or(UnpackError::Bomb(most))?;
    }
    root(folder)
}

/// Archives of models have one folder in them, which has the model's name.
fn root(folder: &Path) -> Result<PathBuf, UnpackError> {
    let entries: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    match &entries[..] {
        [] => Err(UnpackError::Empty),
        [only] if only.path().is_dir() => Ok(only.path()),
        _ => Ok(folder.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, ZipWriter};

    use super::*;

    /// An archive with these files.
    fn archive(folder: &Path, files: &[(&str, &[u8])]) -> PathBuf {
        let path = folder.join("model.zip");
        let mut zip = ZipWriter::new(File::create(&path).expect("a file"));
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        for (name, bytes) in files {
            zip.start_file(*name, options).expect("a name");
            zip.write_all(bytes).expect("written");
        }
        zip.finish().expect("whole");
        path
    }

    #[test]
    fn the_one_folder_in_it_is_the_model() {
        let folder = tempfile::tempdir().expect("a folder");
        let files: [(&str, &[u8]); 2] = [("m-1/am/final.mdl", b"x"), ("m-1/conf/mfcc.conf", b"y")];
        let path = archive(folder.path(), &files);
        let to = folder.path().join("to");
        let root = unpack(&path, &to).expect("good");
        assert_eq!(root, to.join("m-1"));
        assert_eq!(fs::read(root.join("am/final.mdl")).expect("there"), b"x");
    }

    #[test]
    fn what_leads_out_of_its_folder_is_refused_and_nothing_is_kept() {
        for name in ["../outside", "m/../../outside", "/tmp/outside-of-calls"] {
            let folder = tempfile::tempdir().expect("a folder");
            let path = archive(folder.path(), &[("m/good", b"x"), (name, b"evil")]);
            let to = folder.path().join("to");
            match unpack(&path, &to) {
                Err(UnpackError::Elsewhere(told)) => assert_eq!(told, name),
                Ok(_) if name.starts_with('/') => {} // the library cuts the root off: it stays inside
                other => panic!("{name}: {other:?}"),
            }
            assert!(!folder.path().join("outside").exists());
            assert!(!Path::new("/tmp/outside-of-calls").exists());
        }
    }

    #[test]
    fn a_link_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("model.zip");
        let mut zip = ZipWriter::new(File::create(&path).expect("a file"));
        zip.add_symlink("m/link", "/etc", SimpleFileOptions::default())
            .expect("a link");
        zip.finish().expect("whole");
        let to = folder.path().join("to");
        let refused = unpack(&path, &to).expect_err("it leads elsewhere");
        assert!(matches!(refused, UnpackError::Elsewhere(_)), "{refused}");
        assert!(!to.exists());
    }

    #[test]
    fn what_grows_without_end_is_given_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let zeros = vec![0; 65_000_000];
        let path = archive(folder.path(), &[("m/zeros", &zeros)]);
        let refused = unpack(&path, &folder.path().join("to")).expect_err("too large");
        assert!(matches!(refused, UnpackError::Bomb(_)), "{refused}");
    }

    #[test]
    fn what_is_no_archive_says_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("model.zip");
        fs::write(&path, b"<html>not found</html>").expect("written");
        let refused = unpack(&path, &folder.path().join("to")).expect_err("no archive");
        assert!(matches!(refused, UnpackError::Zip(_)), "{refused}");
    }
}
