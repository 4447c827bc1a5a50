//! Files that members share: who may, what is taken, how it is handed out, and when it goes.

use std::path::Path;

use calls::config::Config;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Reply, Socket, World, send};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0";

/// Somebody in a call.
struct Member {
    token: String,
    id: String,
    call: String,
    socket: Socket,
}

async fn member(world: &World, room: &str, user: &str) -> Member {
    let joined = world.join(room, user).await;
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let mut socket = Socket::hello(&joined["connection"]).await;
    socket.event("welcome").await;
    Member {
        token: text(&joined["connection"]["token"]),
        id: text(&joined["participant_id"]),
        call: text(&joined["call_id"]),
        socket,
    }
}

impl Member {
    async fn share(&self, world: &World, query: &str, body: &[u8]) -> Reply {
        let path = format!("/{}/files?{query}", self.call);
        let request = world.request_as(Some(&self.token), Method::POST, &path);
        send(request.body(body.to_vec())).await
    }

    async fn ask(&self, world: &World, method: Method, file: &str) -> Reply {
        let path = format!("/{}/files/{file}", self.call);
        send(world.request_as(Some(&self.token), method, &path)).await
    }

    async fn fetch(&self, world: &World, file: &str) -> Reply {
        self.ask(world, Method::GET, file).await
    }
}

fn id(file: &Value) -> &str {
    file["file_id"].as_str().expect("an id")
}

/// All files below a folder.
fn on_disk(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    let count = |entry: std::fs::DirEntry| match entry.path() {
        path if path.is_dir() => on_disk(&path),
        _ => 1,
    };
    entries.map(|entry| count(entry.expect("an entry"))).sum()
}

#[actix_web::test]
async fn a_file_is_told_of_in_the_chat_and_fetched_as_an_attachment_that_runs_nothing() {
    let world = World::closed().await;
    let room = world.room(json!({})).await;
    let ann = member(&world, &room, "ann").await;
    let mut bob = member(&world, &room, "bob").await;
    let shared = ann.share(&world, "name=Plan%20%C3%BC.pdf", PNG).await;
    let place = shared.header("location").to_owned();
    let file = shared.expect(201);
    assert_eq!(
        file["media_type"], "image/png",
        "what it is, not what it is called"
    );
    assert_eq!(file["size_bytes"], PNG.len());
    assert_eq!(
        place,
        format!("/api/v1/calls/{}/files/{}", ann.call, id(&file))
    );
    let told = bob.socket.event("chat").await;
    assert_eq!(
        (&told["file"], &told["text"]),
        (&file, &json!("Plan ü.pdf"))
    );

    let fetched = bob.fetch(&world, id(&file)).await;
    assert_eq!(fetched.status, 200);
    for (header, value) in [
        ("content-type", "image/png"),
        (
            "content-disposition",
            "attachment; filename*=UTF-8''Plan%20%C3%BC.pdf",
        ),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("cache-control", "private, no-store"),
    ] {
        assert_eq!(fetched.header(header), value, "{header}");
    }
    let listed = world.get(&format!("/{}/files", ann.call)).await.expect(200);
    assert_eq!(listed["data"], json!([file]));
    let facts = world.get("/events?limit=100").await.expect(200).to_string();
    assert!(facts.contains("file.shared"), "{facts}");
}

#[actix_web::test]
async fn only_members_of_the_call_may_have_a_file_and_a_private_one_only_two_of_them() {
    let world = World::closed().await;
    let room = world.room(json!({})).await;
    let ann = member(&world, &room, "ann").await;
    let bob = member(&world, &room, "bob").await;
    let mut cid = member(&world, &room, "cid").await;
    let elsewhere = member(&world, &world.room(json!({})).await, "eve").await;
    let query = format!("name=secret.txt&to={}", bob.id);
    let file = ann.share(&world, &query, b"for Bob").await.expect(201);

    assert_eq!(bob.fetch(&world, id(&file)).await.text, "for Bob");
    assert_eq!(ann.fetch(&world, id(&file)).await.status, 200);
    cid.fetch(&world, id(&file)).await.problem(404, "not-found");
    let path = format!("/{}/files", ann.call);
    let listed = send(world.request_as(Some(&cid.token), Method::GET, &path)).await;
    assert_eq!(listed.expect(200)["data"], json!([]));
    let path = format!("/{}/files/{}", ann.call, id(&file));
    let stranger = world.request_as(Some(&elsewhere.token), Method::GET, &path);
    send(stranger).await.problem(403, "forbidden");
    send(world.request_as(None, Method::GET, &path))
        .await
        .problem(401, "unauthorized");

    let public = ann
        .share(&world, "name=all.txt", b"for all")
        .await
        .expect(201);
    let chat = cid.socket.event("chat").await;
    assert_eq!(
        chat["file"], public,
        "the first that Cid hears of is the public one"
    );
    cid.ask(&world, Method::DELETE, id(&public))
        .await
        .problem(403, "forbidden");
    cid.socket.ask("leave", json!({})).await.expect("may leave");
    cid.fetch(&world, id(&public))
        .await
        .problem(401, "unauthorized");
    assert_eq!(
        world.get(&path).await.text,
        "for Bob",
        "an application may have all"
    );
}

#[actix_web::test]
async fn what_is_too_large_or_dangerous_or_not_permitted_is_refused_and_leaves_nothing() {
    let small = |config: &mut Config| (config.files.max_mb, config.files.call_mb) = (1, 1);
    let world = World::start(false, small).await;
    let room = world.room(json!({})).await;
    let mut ann = member(&world, &room, "ann").await;
    let bob = member(&world, &room, "bob").await;
    let refused = |query: &'static str, body: Vec<u8>| {
        let (world, bob) = (&world, &bob);
        async move { bob.share(world, query, &body).await }
    };
    let exe = [b"MZ".as_slice(), &[0; 200]].concat();
    for (body, what) in [
        (exe, "a program"),
        (b"<html><script>alert(1)</script>".to_vec(), "a page"),
        (
            b"<svg onload='alert(1)'/>".to_vec(),
            "a picture with scripts",
        ),
    ] {
        let told = refused("name=holiday.png", body)
            .await
            .problem(415, "file-type-refused");
        assert!(
            told["detail"]
                .as_str()
                .unwrap()
                .contains("cannot be shared"),
            "{what}"
        );
    }
    refused("name=a.txt", vec![b'a'; 1_000_001])
        .await
        .problem(413, "body-too-large");
    refused("name=a.txt", Vec::new())
        .await
        .problem(422, "invalid-body");
    refused("name=..%2Fpasswd", b"x".to_vec())
        .await
        .problem(422, "invalid-query");
    refused("name=a.txt&to=part_nobody", b"x".to_vec())
        .await
        .problem(404, "not-found");
    assert_eq!(
        on_disk(&world.config.files.folder),
        0,
        "nothing of them stays"
    );

    refused("name=a.txt", vec![b'a'; 600_000]).await.expect(201);
    refused("name=b.txt", vec![b'a'; 600_000])
        .await
        .problem(409, "files-full");

    let off = json!({ "action": "permit", "files": false });
    ann.socket.ask("mod", off).await.expect("a host may");
    refused("name=c.txt", b"x".to_vec())
        .await
        .problem(403, "not-permitted");
    let by_host = ann.share(&world, "name=c.txt", b"moderators may").await;
    let file = by_host.expect(201);
    ann.ask(&world, Method::DELETE, id(&file)).await.expect(204);
    ann.fetch(&world, id(&file)).await.problem(404, "not-found");
    assert_eq!(on_disk(&world.config.files.folder), 1);
}

#[actix_web::test]
async fn no_file_is_taken_where_the_server_must_not_read_or_somebody_still_waits() {
    let world = World::closed().await;
    let private = world.room(json!({ "encryption": "e2ee" })).await;
    let ann = member(&world, &private, "ann").await;
    let refused = ann.share(&world, "name=a.txt", b"x").await;
    refused.problem(409, "end-to-end-encrypted");

    let guarded = world
        .room(json!({ "settings": { "waiting_room": true } }))
        .await;
    let host = member(&world, &guarded, "host").await;
    let file = host
        .share(&world, "name=a.txt", b"inside")
        .await
        .expect(201);
    let joined = world.join(&guarded, "guest").await;
    assert_eq!(joined["state"], "waiting");
    let token = joined["connection"]["token"].as_str().unwrap();
    let path = format!("/{}/files", host.call);
    let share = world.request_as(Some(token), Method::POST, &format!("{path}?name=b.txt"));
    send(share.body("x")).await.problem(403, "not-admitted");
    let fetch = world.request_as(Some(token), Method::GET, &format!("{path}/{}", id(&file)));
    send(fetch).await.problem(403, "not-admitted");
}

#[actix_web::test]
async fn files_outlive_a_restart_and_what_storage_does_not_know_is_cleared_away() {
    let world = World::closed().await;
    let room = world.room(json!({})).await;
    let ann = member(&world, &room, "ann").await;
    let file = ann.share(&world, "name=a.txt", b"kept").await.expect(201);
    let folder = world.config.files.folder.join(&ann.call);
    std::fs::write(folder.join("file_0.part"), "half a file").unwrap();
    std::fs::write(folder.join("file_1"), "nobody knows it").unwrap();
    let world = world.restart(false).await;
    let path = format!("/{}/files/{}", ann.call, id(&file));
    assert_eq!(world.get(&path).await.text, "kept");
    let cleared = async {
        while on_disk(&folder) > 1 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), cleared)
        .await
        .expect("what a crash left is cleared away");
}

/// Shares by hand: so much of the body comes, and then nothing more.
async fn begun(world: &World, ann: (&str, &str), key: &str, part: &[u8]) -> tokio::net::TcpStream {
    use tokio::io::AsyncWriteExt;
    let (call, token) = ann;
    let head = format!(
        "POST /api/v1/calls/{call}/files?name=a.txt HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
         Idempotency-Key: {key}\r\nContent-Type: application/octet-stream\r\nContent-Length: 20000000\r\n\r\n"
    );
    let mut stream = tokio::net::TcpStream::connect(world.server.address)
        .await
        .expect("it listens");
    stream.write_all(head.as_bytes()).await.expect("sent");
    stream.write_all(part).await.expect("sent");
    stream
}

/// The status that is answered before more of the body comes; 0: none within 3 s.
async fn status(stream: &mut tokio::net::TcpStream) -> u16 {
    use tokio::io::AsyncReadExt;
    let mut line = [0; 12];
    let answer = stream.read_exact(&mut line);
    match tokio::time::timeout(std::time::Duration::from_secs(3), answer).await {
        Ok(Ok(_)) => std::str::from_utf8(&line[9..])
            .ok()
            .and_then(|code| code.parse().ok())
            .unwrap_or(0),
        _ => 0,
    }
}

#[actix_web::test]
async fn who_may_not_share_is_refused_before_their_file_comes_also_with_an_idempotency_key() {
    let world = World::closed().await;
    let room = world.room(json!({})).await;
    let ann = member(&world, &room, "ann").await;
    let eve = member(&world, &world.room(json!({})).await, "eve").await;
    let mut stream = begun(&world, (&ann.call, &eve.token), "k", b"the first of many").await;
    assert_eq!(status(&mut stream).await, 403);
    let mut stream = begun(&world, (&ann.call, &ann.token), "k", b"the first of many").await;
    assert_eq!(status(&mut stream).await, 0, "she may, and is waited for");
}

#[actix_web::test]
async fn a_file_that_is_sent_again_under_its_key_is_shared_once_and_another_is_refused() {
    let world = World::closed().await;
    let room = world.room(json!({})).await;
    let ann = member(&world, &room, "ann").await;
    let path = format!("/{}/files?name=a.txt", ann.call);
    let share = |key: &'static str, body: &'static [u8]| {
        let request = world.request_as(Some(&ann.token), Method::POST, &path);
        send(request.header("idempotency-key", key).body(body))
    };
    let first = share("k", b"words").await.expect(201);
    let again = share("k", b"words").await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.expect(201), first);
    let other = share("k", b"Words").await;
    other.problem(422, "idempotency-key-reused");
    let listed = world.get(&format!("/{}/files", ann.call)).await.expect(200);
    assert_eq!(listed["data"], json!([first]));

    // What was cut short is no reply to keep: all of it may come under the same key.
    let cut = begun(&world, (&ann.call, &ann.token), "k2", b"words").await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    drop(cut);
    let mut tries = 0;
    let shared = loop {
        let shared = share("k2", b"words and more").await;
        tries += 1;
        if shared.status != 409 || tries > 50 {
            break shared;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    };
    assert_eq!(shared.expect(201)["size_bytes"], 14);
}
