//! The disk takes no more: calls go on, and what happened meanwhile is written when there is room again.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::api::Api;
use crate::support::serving::{Serving, calls};

/// From now on no file of the server's grows beyond this; the kernel refuses the write as it does on a full disk.
fn limit(server: &Serving, bytes: &str) {
    let told = Command::new("prlimit")
        .args(["--pid", &server.child.id().to_string()])
        .arg(format!("--fsize={bytes}:unlimited"))
        .status();
    assert!(told.expect("util-linux").success());
}

#[actix_web::test]
async fn calls_go_on_while_nothing_can_be_written_and_it_is_written_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let plain = calls(folder.path(), "serve --dev");
    let mut command = Command::new("sh");
    // The signal that comes with the refusal would end it; a full disk sends none.
    command
        .args(["-c", "trap '' XFSZ; exec \"$0\" serve --dev"])
        .arg(plain.get_program())
        .current_dir(folder.path());
    for (name, value) in plain.get_envs() {
        command.env(name, value.unwrap());
    }
    command.stdin(std::process::Stdio::null());
    command.stdout(std::process::Stdio::piped());
    command.stderr(std::process::Stdio::piped());
    let server = Serving::start(command);
    let api = Api::of(&server);
    let room = api.room().await;
    let (mut ann, _, welcome) = api.enter(&room, "ann").await;
    let (mut ben, _, _) = api.enter(&room, "ben").await;
    let call = welcome["call"]["call_id"].as_str().unwrap().to_owned();

    limit(&server, "1024");
    let refused = api.try_post("/rooms", json!({ "name": "Later" })).await;
    assert_eq!(refused.unwrap().status(), 503);
    ann.ask("chat", json!({ "text": "is it full?" }))
        .await
        .expect("it is said");
    let heard = ben.event("chat").await;
    assert_eq!(heard["text"], "is it full?");
    ben.tell("leave", json!({})).await;
    assert_eq!(ben.end().await.0, "left");

    limit(&server, "unlimited");
    let begun = Instant::now();
    loop {
        let events = api.events(&call).await;
        let left = |event: &&serde_json::Value| event["type"] == "participant.left";
        if events.iter().filter(left).count() == 1 {
            eprintln!("measured: written after {:?}", begun.elapsed());
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{events:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    api.room().await;
    let (code, log) = server.stop();
    assert_eq!(code, Some(0), "{log}");
}
