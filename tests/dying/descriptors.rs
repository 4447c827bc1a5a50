//! No file descriptors are left: who is in a call stays in it, and others come in when there are some again.

use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::api::Api;
use crate::support::serving::{Serving, calls};

/// Enough for a server with a few clients, and few enough to use up.
const DESCRIPTORS: usize = 160;

#[actix_web::test]
async fn calls_go_on_while_no_descriptor_is_free() {
    let folder = tempfile::tempdir().unwrap();
    let plain = calls(folder.path(), "serve --dev");
    let mut limited = Command::new("sh");
    let script = format!("ulimit -n {DESCRIPTORS}; exec \"$0\" serve --dev");
    limited.args(["-c", &script]).arg(plain.get_program());
    limited.current_dir(folder.path());
    for (name, value) in plain.get_envs() {
        limited.env(name, value.unwrap());
    }
    limited.stdin(std::process::Stdio::null());
    limited.stdout(std::process::Stdio::piped());
    limited.stderr(std::process::Stdio::piped());
    let server = Serving::start(limited);
    let api = Api::of(&server);
    let room = api.room().await;
    let (mut ann, _, _) = api.enter(&room, "ann").await;
    let (mut ben, _, _) = api.enter(&room, "ben").await;

    let idle: Vec<TcpStream> = (0..2 * DESCRIPTORS)
        .map(|_| TcpStream::connect(&server.address).expect("the kernel takes it"))
        .collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let begun = Instant::now();
    ann.ask("chat", json!({ "text": "still here" }))
        .await
        .expect("it is said");
    let heard = ben
        .event_where("chat", |chat| chat["text"] == "still here")
        .await;
    assert_eq!(heard["text"], "still here");

    eprintln!("measured: heard after {:?}", begun.elapsed());

    drop(idle);
    let begun = Instant::now();
    let mut again = None;
    for _ in 0..50 {
        let join = json!({ "user_id": "cat" });
        let asked = Api::of(&server);
        let path = format!("/rooms/{room}/join");
        let joining = asked.try_post(&path, join);
        let joined = tokio::time::timeout(Duration::from_secs(2), joining).await;
        if let Ok(Ok(reply)) = joined
            && reply.status().is_success()
        {
            again = Some(reply);
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    eprintln!("measured: let in after {:?}", begun.elapsed());
    assert!(again.is_some(), "nobody can come in any more");
    assert_eq!(server.stop().0, Some(0));
}
