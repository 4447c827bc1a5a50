//! A PostgreSQL of a test's own, which can be stopped in the middle of everything.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// Its data goes with it.
pub struct Postgres {
    bin: PathBuf,
    folder: TempDir,
    port: u16,
}

impl Postgres {
    /// Starts one on a free port.
    pub fn start() -> Self {
        let bin = newest();
        let folder = tempfile::tempdir().expect("a folder");
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("it is bound").port();
        drop(free);
        if is_root() {
            let owner = Command::new("chown")
                .arg("postgres")
                .arg(folder.path())
                .status();
            assert!(owner.expect("chown").success());
        }
        let postgres = Self { bin, folder, port };
        let data = ["--pgdata", "data", "--username", "calls", "--auth", "trust"];
        postgres.run(
            "initdb",
            &[
                &data[..],
                &["--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"],
            ]
            .concat(),
        );
        postgres.again();
        postgres
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("postgres://calls@127.0.0.1:{}/postgres", self.port)
    }

    /// Stops it, whoever is connected.
    pub fn stop(&self) {
        self.run(
            "pg_ctl",
            &["stop", "--pgdata", "data", "--mode", "fast", "--silent"],
        );
    }

    /// Starts it again.
    pub fn again(&self) {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off",
            self.port
        );
        let start = [
            "start",
            "--pgdata",
            "data",
            "--log",
            "server.log",
            "--silent",
            "--wait",
        ];
        self.run("pg_ctl", &[&start[..], &["--options", &options]].concat());
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let program = self.bin.join(program);
        let mut command = if is_root() {
            let mut as_owner = Command::new("runuser");
            as_owner.args(["-u", "postgres", "--"]).arg(program);
            as_owner
        } else {
            Command::new(program)
        };
        let done = command
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(done.expect("it starts").success(), "{arguments:?}");
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.folder.path().join("data/postmaster.pid").exists() {
            self.run(
                "pg_ctl",
                &[
                    "stop",
                    "--pgdata",
                    "data",
                    "--mode",
                    "immediate",
                    "--silent",
                ],
            );
        }
    }
}

/// PostgreSQL refuses to run as root; Debian's package has a user for it.
fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id");
    id.stdout.trim_ascii() == b"0"
}

/// Debian's binaries, the newest version's.
fn newest() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL is installed");
    let numbers = versions.filter_map(|version| {
        let name = version.ok()?.file_name();
        name.to_str()?.parse::<u32>().ok()
    });
    let newest = numbers.max().expect("a version of it");
    format!("/usr/lib/postgresql/{newest}/bin").into()
}
