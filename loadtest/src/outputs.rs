//! The files that a result is kept in: tried before the run, written after it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::args::Args;
use crate::report::{Report, markdown, svg};

/// The result could not be kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unwritten {
    /// The system says no.
    #[error("cannot write {}", path.display())]
    Refused {
        /// Where to.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is written first would be lost.
    #[error("{} would be written twice: each result, and the picture beside Markdown (.svg), needs a file of its own", .0.display())]
    Twice(PathBuf),
}

/// Where a result is to be kept.
#[derive(Debug, Clone)]
pub(crate) struct Outputs {
    json: Option<PathBuf>,
    /// And the picture beside it.
    markdown: Option<(PathBuf, PathBuf)>,
}

impl Outputs {
    /// Those asked for, once it is clear that they can be written: a run takes minutes, and its result should not be lost.
    pub(crate) fn tried(args: &Args) -> Result<Self, Unwritten> {
        let picture = |path: PathBuf| (path.clone(), path.with_extension("svg"));
        let outputs = Self {
            json: args.json.clone(),
            markdown: args.markdown.clone().map(picture),
        };
        let beside = outputs
            .markdown
            .iter()
            .flat_map(|(text, picture)| [text, picture]);
        let mut places = BTreeSet::new();
        for path in outputs.json.iter().chain(beside) {
            let place = try_out(path).map_err(|source| unwritten(path, source))?;
            if !places.insert(place) {
                return Err(Unwritten::Twice(path.clone()));
            }
        }
        Ok(outputs)
    }

    /// Where the result of a run that was interrupted, or was not, is kept: of one that was in files of its own
    /// (`x-interrupted.json`), so that it takes the place of none that is whole.
    pub(crate) fn of(&self, interrupted: bool) -> Cow<'_, Self> {
        if !interrupted {
            return Cow::Borrowed(self);
        }
        let pair = |(text, picture): &(PathBuf, PathBuf)| (partial(text), partial(picture));
        Cow::Owned(Self {
            json: self.json.as_deref().map(partial),
            markdown: self.markdown.as_ref().map(pair),
        })
    }

    /// Keeps a result as JSON.
    pub(crate) fn keep_json(&self, result: &impl Serialize) -> Result<(), Unwritten> {
        let Some(path) = &self.json else {
            return Ok(());
        };
        let json = serde_json::to_string_pretty(result).map_err(io::Error::from);
        write(
            path,
            &(json.map_err(|source| unwritten(path, source))? + "\n"),
        )
    }

    /// Keeps a report in all that was asked for.
    pub(crate) fn keep(&self, report: &Report) -> Result<(), Unwritten> {
        self.keep_json(report)?;
        if let Some((path, picture)) = &self.markdown {
            let name = picture.file_name().unwrap_or_default().to_string_lossy();
            write(path, &markdown(report, &name))?;
            write(picture, &svg(report))?;
        }
        Ok(())
    }
}

/// The place beside it for a part of a result. What is no file, such as a pipe, holds no earlier result.
fn partial(path: &Path) -> PathBuf {
    if path.exists() && !path.is_file() {
        return path.to_owned();
    }
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push("-interrupted");
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// Opens it for writing, and leaves what is there as it is, also a link to nothing. Tells where links lead.
fn try_out(path: &Path) -> io::Result<PathBuf> {
    let was_there = path.exists();
    OpenOptions::new().append(true).create(true).open(path)?;
    // A pipe has no such path.
    let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if !was_there {
        fs::remove_file(&place)?;
    }
    Ok(place)
}

fn write(path: &Path, text: &str) -> Result<(), Unwritten> {
    fs::write(path, text).map_err(|source| unwritten(path, source))
}

fn unwritten(path: &Path, source: io::Error) -> Unwritten {
    let path = path.to_owned();
    Unwritten::Refused { path, source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use clap::Parser;

    use crate::report::tests::good;

    fn tried(arguments: &[&Path]) -> Result<Outputs, Unwritten> {
        let always = ["calls-loadtest", "--scenario", "x.toml"].map(Path::new);
        let all = always.iter().chain(arguments);
        Outputs::tried(&Args::parse_from(all.map(|argument| argument.as_os_str())))
    }

    #[test]
    fn a_place_that_cannot_be_written_is_told_before_the_run_and_one_that_can_is_left_alone() {
        let folder = std::env::temp_dir().join(format!("calls-loadtest-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (kept, fresh) = (folder.join("kept.json"), folder.join("fresh.md"));
        fs::write(&kept, "an earlier result").unwrap();

        let (json, markdown) = (Path::new("--json"), Path::new("--markdown"));
        tried(&[json, &kept, markdown, &fresh]).unwrap();
        assert_eq!(fs::read_to_string(&kept).unwrap(), "an earlier result");
        assert!(!fresh.exists());

        // A folder stands where the picture is to be.
        fs::create_dir_all(folder.join("fresh.svg")).unwrap();
        for (option, path) in [(json, folder.join("no/such.json")), (markdown, fresh)] {
            let said = tried(&[option, &path]).unwrap_err().to_string();
            let wanted = if option == json {
                "such.json"
            } else {
                "fresh.svg"
            };
            assert!(
                said.starts_with("cannot write") && said.ends_with(wanted),
                "{said}"
            );
        }
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn an_interrupted_run_takes_the_place_of_no_whole_one() {
        let folder = std::env::temp_dir().join(format!("calls-whole-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (json, text) = (folder.join("x.json"), folder.join("x.md"));
        let outputs = tried(&[Path::new("--json"), &json, Path::new("--markdown"), &text]);
        let outputs = outputs.unwrap();
        let mut report = good();
        outputs.of(false).keep(&report).unwrap();
        let whole = ["json", "md", "svg"].map(|kind| folder.join(format!("x.{kind}")));
        let before = whole.each_ref().map(|path| fs::read(path).unwrap());

        report.interrupted = true;
        outputs.of(true).keep(&report).unwrap();
        assert_eq!(whole.map(|path| fs::read(path).unwrap()), before);
        let part = |kind| fs::read_to_string(folder.join(format!("x-interrupted.{kind}")));
        assert!(part("json").unwrap().contains("\"interrupted\": true"));
        let text = part("md").unwrap();
        assert!(text.ends_with("(x-interrupted.svg)\n"), "{text}");
        assert!(part("svg").unwrap().starts_with("<svg"));
        assert_eq!(partial(Path::new("/dev/null")), Path::new("/dev/null"));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn two_results_in_one_file_are_refused_and_a_link_to_nothing_is_left_alone() {
        let folder = std::env::temp_dir().join(format!("calls-outputs-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (text, link) = (folder.join("x.md"), folder.join("link.json"));
        symlink("x.md", &link).unwrap();
        let (json, markdown) = (Path::new("--json"), Path::new("--markdown"));
        for there in [false, true] {
            tried(&[json, &link]).unwrap();
            assert_eq!(fs::read_link(&link).unwrap(), Path::new("x.md"));
            assert_eq!(text.exists(), there);
            for (one, other) in [
                (&text, &text),
                (
                    &folder
                        .join("../")
                        .join(folder.file_name().unwrap())
                        .join("x.md"),
                    &text,
                ),
                (&link, &text),
                (&folder.join("x.svg"), &text),
                (&folder.join("y.json"), &folder.join("y.svg")),
            ] {
                let said = tried(&[json, one, markdown, other]).unwrap_err();
                let said = said.to_string();
                assert!(said.contains("would be written twice"), "{said}");
            }
            tried(&[json, &folder.join("x.json"), markdown, &text]).unwrap();
            fs::write(&text, "an earlier result").unwrap();
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
