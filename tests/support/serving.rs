//! The program itself, as a shell starts it.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// How long starting or stopping may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// `calls`, with a folder of its own and free ports; without TURN, whose port is always the same one.
pub fn calls(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_calls"));
    command
        .args(arguments.split(' '))
        .current_dir(folder)
        .env("CALLS__HTTP__BIND", "127.0.0.1:0")
        .env("CALLS__MEDIA__BIND", "127.0.0.1")
        .env("CALLS__MEDIA__UDP_PORTS", "0")
        .env("CALLS__TURN__PORT", "0")
        .env("CALLS__HTTP__DRAIN_SECONDS", "3")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub fn run(command: &mut Command) -> Output {
    command.output().expect("it starts")
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A server that has said all it says when it starts.
pub struct Serving {
    pub child: Child,
    pub banner: String,
    /// Where it listens, such as `127.0.0.1:40000`.
    pub address: String,
    /// `http`, or `https` where it has a certificate.
    pub scheme: String,
}

impl Serving {
    pub fn start(mut command: Command) -> Self {
        let mut child = command.spawn().expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut banner = String::new();
        while !banner.contains("Ctrl+C stops") {
            let Some(Ok(line)) = lines.next() else {
                let output = child.wait_with_output().expect("it ended");
                panic!("it ended after {banner:?}: {}", text(&output.stderr));
            };
            banner.push_str(&line);
            banner.push('\n');
        }
        let (_, url) = banner.split_once("Open ").expect("an address");
        let (scheme, rest) = url.split_once("://").expect("a URL");
        let address = rest.split('/').next().expect("an end").to_owned();
        let scheme = scheme.to_owned();
        Self {
            child,
            banner,
            address,
            scheme,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// Sends it a signal, such as `HUP`.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let told = Command::new("kill")
            .args([&format!("-{name}"), &pid])
            .status();
        assert!(told.expect("kill").success());
    }

    /// Ends it as a power cut does.
    pub fn kill(self) {
        drop(self);
    }

    /// Ends it as a service manager does: how it ended, and what it logged.
    pub fn stop(mut self) -> (Option<i32>, String) {
        self.signal("TERM");
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it is ours") {
                break status;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not stop");
            std::thread::sleep(Duration::from_millis(20));
        };
        let mut log = Vec::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_end(&mut log).expect("it ended");
        }
        (status.code(), text(&log))
    }
}

/// A test that fails leaves none behind.
impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
