//! A certificate from an authority: `pebble`, Let's Encrypt's own test server, on loopback.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use super::trust::{Pair, client};
use crate::support::serving::{Serving, calls};

/// How long ordering may take on a busy machine.
const ORDERED_WITHIN: Duration = Duration::from_secs(40);

/// A certificate authority, which asks for its proofs on this port.
struct Authority {
    child: Child,
    directory: String,
    management: String,
    own: Pair,
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    socket.local_addr().expect("bound").port()
}

impl Authority {
    fn start(folder: &Path, proofs: u16) -> Self {
        std::fs::create_dir(folder).expect("a folder");
        let own = Pair::new();
        let [certificate, key] = own.write(folder);
        let [listen, manage] = [free_port(), free_port()];
        let config = json!({ "pebble": {
            "listenAddress": format!("127.0.0.1:{listen}"),
            "managementListenAddress": format!("127.0.0.1:{manage}"),
            "certificate": certificate, "privateKey": key,
            "httpPort": 1, "tlsPort": proofs,
            "ocspResponderURL": "", "externalAccountBindingRequired": false,
        } });
        let file = folder.join("pebble.json");
        std::fs::write(&file, config.to_string()).expect("written");
        let child = Command::new("pebble")
            .arg("-config")
            .arg(file)
            .env("PEBBLE_VA_NOSLEEP", "1")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("pebble is installed (scripts/setup test)");
        Self {
            child,
            directory: format!("https://localhost:{listen}/dir"),
            management: format!("https://localhost:{manage}"),
            own,
        }
    }

    /// Who signs what it issues.
    async fn root(&self) -> String {
        let http = client(&self.own.chain);
        let begun = Instant::now();
        loop {
            let asked = http
                .get(format!("{}/roots/0", self.management))
                .send()
                .await;
            if let Ok(reply) = asked {
                return reply.text().await.expect("PEM");
            }
            assert!(begun.elapsed() < ORDERED_WITHIN, "pebble does not answer");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn ordering(folder: &Path, port: u16, authority: &Authority) -> Command {
    let mut command = calls(folder, "serve --dev");
    command
        .env("CALLS__HTTP__BIND", format!("127.0.0.1:{port}"))
        .env("CALLS__TLS__ACME_DOMAINS", "localhost")
        .env("CALLS__TLS__ACME_CONTACT", "ops@calls.example")
        .env("CALLS__TLS__ACME_DIRECTORY", &authority.directory)
        .env("CALLS__TLS__ACME_CA", folder.join("authority/chain.pem"));
    command
}

async fn answers(http: &reqwest::Client, port: u16, within: Duration) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < within {
        let asked = http
            .get(format!("https://localhost:{port}/readyz"))
            .send()
            .await;
        if asked.is_ok_and(|reply| reply.status() == 200) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    false
}

#[tokio::test]
async fn a_certificate_is_ordered_and_proven_and_shown_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let authority = Authority::start(&folder.path().join("authority"), port);
    let http = client(&authority.root().await);
    let server = Serving::start(ordering(folder.path(), port, &authority));
    let shown = answers(&http, port, ORDERED_WITHIN).await;
    let (code, log) = server.stop();
    assert!(shown, "no certificate came: {log}");
    assert_eq!(code, Some(0), "{log}");

    let kept = folder.path().join("data/acme").metadata().unwrap();
    assert_eq!(kept.permissions().mode() & 0o077, 0, "keys are in there");

    let again = ordering(folder.path(), port, &authority);
    drop(authority);
    let server = Serving::start(again);
    let shown = answers(&http, port, ORDERED_WITHIN / 4).await;
    let (_, log) = server.stop();
    assert!(shown, "what was kept is not shown: {log}");
}
