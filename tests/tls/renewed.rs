//! A certificate in files.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::trust::{Pair, client, connect};
use crate::support::serving::{Serving, calls};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn secure(folder: &Path, pair: &Pair) -> Command {
    let [chain, key] = pair.write(folder);
    let mut command = calls(folder, "serve --dev");
    command
        .env("CALLS__TLS__CERTIFICATE", chain)
        .env("CALLS__TLS__PRIVATE_KEY", key);
    command
}

/// A signaling socket over TLS.
struct Secure(WebSocketStream<TlsStream<TcpStream>>);

impl Secure {
    async fn hello(connection: &Value, address: &str, authority: &str) -> Self {
        let url = connection["ws_url"].as_str().expect("an address");
        assert!(url.starts_with("wss://"), "{url}");
        let mut request = url.into_client_request().expect("a request");
        let protocol = "calls.v1".parse().expect("a header");
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocol);
        let stream = connect(address, authority).await.expect("TLS");
        let (socket, _) = client_async(request, stream).await.expect("a socket");
        let mut socket = Self(socket);
        socket
            .ask("hello", json!({ "token": connection["token"] }))
            .await;
        socket
    }

    async fn ask(&mut self, t: &str, d: Value) -> Value {
        let frame = json!({ "t": t, "id": 1, "d": d }).to_string();
        self.0.send(Message::text(frame)).await.expect("it is sent");
        let answer = async {
            loop {
                let next = self
                    .0
                    .next()
                    .await
                    .expect("it is open")
                    .expect("it is read");
                let Message::Text(text) = next else { continue };
                let frame: Value = serde_json::from_str(&text).expect("JSON");
                if frame["re"] == 1 {
                    return frame;
                }
            }
        };
        let answer = tokio::time::timeout(PATIENCE, answer)
            .await
            .expect("an answer");
        assert_eq!(answer["t"], "ok", "{answer}");
        answer
    }
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_at_once_and_who_is_in_a_call_stays_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (Pair::new(), Pair::new());
    let server = Serving::start(secure(folder.path(), &old));
    assert_eq!(server.scheme, "https");
    let base = server.url("/api/v1/calls");
    let http = client(&old.chain);
    let post = async |path: String, body: Value| -> Value {
        let reply = http.post(path).json(&body).send().await.expect("a reply");
        assert_eq!(
            reply.headers()["strict-transport-security"],
            "max-age=31536000"
        );
        reply.json().await.expect("JSON")
    };
    let room = post(format!("{base}/rooms"), json!({ "name": "Hall" })).await;
    let room = room["room_id"].as_str().unwrap();
    let page = http.get(server.url("/")).send().await.expect("a page");
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains(&format!("wss://{}", server.address)),
        "{policy}"
    );
    let joined = post(
        format!("{base}/rooms/{room}/join"),
        json!({ "user_id": "ann" }),
    )
    .await;
    let mut ann = Secure::hello(&joined["connection"], &server.address, &old.chain).await;

    new.write(folder.path());
    server.signal("HUP");
    let begun = Instant::now();
    let fresh = client(&new.chain);
    while fresh.get(server.url("/readyz")).send().await.is_err() {
        assert!(
            begun.elapsed() < PATIENCE,
            "the new certificate is not shown"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let old_client = client(&old.chain).get(server.url("/readyz")).send().await;
    assert!(old_client.is_err(), "the old certificate is still shown");
    ann.ask("chat", json!({ "text": "still here" })).await;

    std::fs::write(folder.path().join("chain.pem"), "broken").unwrap();
    server.signal("HUP");
    ann.ask("chat", json!({ "text": "and here" })).await;
    let again = fresh.get(server.url("/readyz")).send().await.expect("TLS");
    assert_eq!(again.status(), 200, "the last good certificate is shown");
    let (code, log) = server.stop();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("tls.certificate stays as it was"), "{log}");
}

#[tokio::test]
async fn a_port_that_speaks_tls_says_nothing_in_plain_text() {
    let folder = tempfile::tempdir().unwrap();
    let server = Serving::start(secure(folder.path(), &Pair::new()));
    let plain = reqwest::get(format!("http://{}/healthz", server.address)).await;
    assert!(plain.is_err(), "{plain:?}");
    assert_eq!(server.stop().0, Some(0));
}

#[tokio::test]
async fn turn_over_tls_shows_the_certificate_of_http_where_it_has_none_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let pair = Pair::new();
    let free = || {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        socket.local_addr().expect("bound").port()
    };
    let (port, tls_port) = (free(), free());
    let mut command = secure(folder.path(), &pair);
    command
        .env("CALLS__TURN__PORT", port.to_string())
        .env("CALLS__TURN__TLS_PORT", tls_port.to_string())
        .env("CALLS__TURN__HOST", "localhost");
    let server = Serving::start(command);
    let asked = client(&pair.chain).get(server.url("/api/v1/calls/ice-servers"));
    let told: Value = asked.send().await.unwrap().json().await.unwrap();
    let urls = told["ice_servers"][0]["urls"].as_array().unwrap();
    let url = format!("turns:localhost:{tls_port}?transport=tcp");
    assert!(urls.contains(&json!(url)), "{urls:?}");
    connect(&format!("127.0.0.1:{tls_port}"), &pair.chain)
        .await
        .expect("it shows the same certificate");
    assert_eq!(server.stop().0, Some(0));
}
