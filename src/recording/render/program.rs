//! Runs `ffmpeg`: with the lowest priority, for as long as it does something, and never longer than the server.

use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use super::RenderError;

/// It tells every half second how far it is; when it has told nothing for so long, it stands still.
const PATIENCE: Duration = Duration::from_secs(300);

/// The program, and where it works.
pub(super) struct Program<'a> {
    path: &'a str,
    folder: &'a Path,
    patience: Duration,
}

/// One that runs; it is ended when nobody waits for it any more.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill(); // it may have ended by itself
        let _ = self.0.wait();
    }
}

impl<'a> Program<'a> {
    pub(super) fn new(path: &'a str, folder: &'a Path) -> Self {
        Self {
            path,
            folder,
            patience: PATIENCE,
        }
    }

    /// Runs it; `progress` hears percents of so many milliseconds.
    ///
    /// # Errors
    ///
    /// It is not there, refuses, or stands still.
    pub(super) fn run(
        &self,
        arguments: &[String],
        length_ms: u64,
        mut progress: impl FnMut(u8),
    ) -> Result<(), RenderError> {
        let mut running = self.start(arguments)?;
        let mut said = running.0.stderr.take();
        let listening = std::thread::spawn(move || {
            let mut text = Vec::new();
            if let Some(said) = &mut said {
                let _ = said.take(64 * 1024).read_to_end(&mut text); // what fits tells enough
                let _ = io::copy(said, &mut io::sink());
            }
            String::from_utf8_lossy(&text).into_owned()
        });
        if let Some(out) = running.0.stdout.take() {
            let told = times_told(out);
            loop {
                match told.recv_timeout(self.patience) {
                    Ok(micros) => {
                        let percent = micros / 10 / length_ms.max(1);
                        progress(u8::try_from(percent.min(99)).unwrap_or(99));
                    }
                    Err(RecvTimeoutError::Disconnected) => break,
                    Err(RecvTimeoutError::Timeout) => {
                        return Err(RenderError::Stalled(self.patience.as_secs()));
                    }
                }
            }
        }
        let status = running.0.wait()?;
        let text = listening.join().unwrap_or_default();
        if status.success() {
            return Ok(());
        }
        let last = text.lines().last().unwrap_or("it said nothing").to_owned();
        Err(RenderError::Refused(format!("{status}: {last}")))
    }

    /// Starts it so that the kernel ends it with the thread that waits for it, also when that is killed.
    fn start(&self, arguments: &[String]) -> io::Result<Running> {
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "nice", "-n", "19", self.path])
            .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y"])
            .args(["-progress", "pipe:1"])
            .args(arguments)
            .current_dir(self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        Ok(Running(child))
    }
}

/// How far it is, in microseconds, each time that it tells; ends when it does.
fn times_told(out: ChildStdout) -> Receiver<u64> {
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            let micros = line.strip_prefix("out_time_us=").map(str::parse);
            if let Some(micros) = micros
                && tell.send(micros.unwrap_or(0)).is_err()
            {
                break; // nobody waits any more
            }
        }
    });
    told
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::time::Instant;

    use super::*;

    /// A program that does this instead of what it is asked.
    fn script(folder: &Path, does: &str) -> String {
        let path = folder.join("program");
        fs::write(&path, format!("#!/bin/sh\n{does}\n")).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it may run");
        path.display().to_string()
    }

    /// The id that the program writes down, once it has.
    fn id_in(folder: &Path) -> String {
        let began = Instant::now();
        loop {
            let id = fs::read_to_string(folder.join("id")).unwrap_or_default();
            if id.ends_with('\n') {
                return id.trim().to_owned();
            }
            assert!(began.elapsed() < Duration::from_secs(20), "it starts");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn ends(id: &str) {
        let (path, began) = (format!("/proc/{id}"), Instant::now());
        while Path::new(&path).exists() {
            assert!(began.elapsed() < Duration::from_secs(20), "{id} ends");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn one_that_stands_still_is_ended() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = script(folder.path(), "echo $$ > id; exec sleep 1000");
        let patience = Duration::from_millis(500);
        let program = Program {
            patience,
            ..Program::new(&path, folder.path())
        };
        let outcome = program.run(&[], 1000, |_| ());
        assert!(
            matches!(outcome, Err(RenderError::Stalled(_))),
            "{outcome:?}"
        );
        ends(&id_in(folder.path()));
    }

    #[test]
    fn one_that_tells_how_far_it_is_is_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let does = "for us in 0 500000 1000000; do echo out_time_us=$us; sleep 0.3; done";
        let path = script(folder.path(), does);
        let program = Program {
            patience: Duration::from_secs(10),
            ..Program::new(&path, folder.path())
        };
        let mut heard = Vec::new();
        let outcome = program.run(&[], 1000, |percent| heard.push(percent));
        assert!(outcome.is_ok(), "{outcome:?}");
        assert_eq!(heard, [0, 50, 99]);
    }

    #[test]
    fn what_it_says_last_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = script(
            folder.path(),
            "echo first >&2; echo no space left >&2; exit 3",
        );
        let outcome = Program::new(&path, folder.path()).run(&[], 1000, |_| ());
        let Err(RenderError::Refused(said)) = outcome else {
            panic!("it refuses: {outcome:?}");
        };
        assert!(said.ends_with("exit status: 3: no space left"), "{said}");
    }

    #[test]
    fn it_does_not_outlive_who_waits_for_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = script(folder.path(), "echo $$ > id; exec sleep 1000");
        let id = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let running = Program::new(&path, folder.path())
                    .start(&[])
                    .expect("it starts");
                std::mem::forget(running); // as if this thread had been killed
                id_in(folder.path())
            });
            waiting.join().expect("it started")
        });
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let (path, began) = (format!("/proc/{id}/stat"), Instant::now());
        // Nobody waits for it, so it stays as a name of something dead (a zombie).
        while fs::read_to_string(&path).is_ok_and(|stat| !stat.contains(") Z ")) {
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "it ends: {status}"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
