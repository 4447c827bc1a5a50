//! Recordings that go to a bucket of a real S3-compatible server, which may refuse, or be dead for a while.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use reqwest::Method;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::super::room_of;
use super::recording::{settled, start, stop};
use crate::support::{World, send};

const KEY: &str = "calls";
const SECRET: &str = "a-secret-of-the-tests";
const BUCKET: &str = "recordings";

/// How long a failure may take to be told.
const TOLD: Duration = Duration::from_secs(40);

/// Serves a folder as S3; its folders are buckets.
async fn serve(folder: &Path, address: SocketAddr) -> (SocketAddr, JoinHandle<()>) {
    let service = {
        let mut builder = S3ServiceBuilder::new(FileSystem::new(folder).expect("a folder"));
        builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
        builder.build()
    };
    let listener = TcpListener::bind(address).await.expect("a free port");
    let address = listener.local_addr().expect("it listens");
    let serving = tokio::spawn(async move {
        let mut connections = tokio::task::JoinSet::new(); // they end with the server
        while let Ok((socket, _)) = listener.accept().await {
            let service = service.clone();
            connections.spawn(async move {
                let http = Builder::new(TokioExecutor::new());
                let _ = http.serve_connection(TokioIo::new(socket), service).await;
            });
        }
    });
    (address, serving)
}

/// A server that keeps its recordings there.
async fn world(address: SocketAddr, secret: &str) -> World {
    World::start(true, |config| {
        let storage = &mut config.storage;
        BUCKET.clone_into(&mut storage.bucket);
        storage.endpoint = format!("http://{address}");
        KEY.clone_into(&mut storage.access_key_id);
        secret.clone_into(&mut storage.secret_access_key);
    })
    .await
}

/// Records a moment.
async fn record(world: &World) -> Value {
    let (_, [alice, _bob]) = room_of(world, ["alice", "bob"]).await;
    let started = start(world, &alice, "tracks").await;
    sleep(Duration::from_millis(500)).await;
    stop(world, &alice).await;
    started
}

/// Waits until the upload was tried in vain, and gives the reason.
async fn trouble(world: &World, started: &Value) -> String {
    let id = started["recording_id"].as_str().expect("an id");
    let began = Instant::now();
    loop {
        let recording = world.get(&format!("/recordings/{id}")).await.expect(200);
        if let (Some("uploading"), Some(error)) =
            (recording["status"].as_str(), recording["error"].as_str())
        {
            return error.to_owned();
        }
        assert!(began.elapsed() < TOLD, "{recording}");
        sleep(Duration::from_millis(100)).await;
    }
}

fn anywhere() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

#[actix::test]
async fn a_recording_goes_to_the_bucket_and_is_fetched_from_there() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join(BUCKET)).expect("a bucket");
    let (address, _serving) = serve(folder.path(), anywhere()).await;
    let world = world(address, SECRET).await;
    let started = record(&world).await;
    let recording = settled(&world, &started).await;
    assert_eq!(recording["status"], "available", "{recording}");
    let file = &recording["files"][0];
    assert_eq!(file["place"], "bucket");
    let id = recording["recording_id"].as_str().expect("an id");
    let local = world
        .recordings()
        .join(id)
        .join(file["name"].as_str().expect("a name"));
    assert!(!local.exists(), "the bucket has it");
    let link = file["url"].as_str().expect("a link");
    let fetched = world.page(Method::GET, link).send().await.expect("a reply");
    assert_eq!(
        fetched.url().port(),
        Some(address.port()),
        "it was sent on to the bucket"
    );
    let bytes = fetched.bytes().await.expect("a body");
    assert_eq!(
        bytes.len() as u64,
        file["size_bytes"].as_u64().expect("a number")
    );
    world.delete(&format!("/recordings/{id}")).await.expect(204);
    let left = folder.path().join(BUCKET).join("recordings").join(id);
    let left = std::fs::read_dir(left).map_or(0, Iterator::count);
    assert_eq!(left, 0, "deleted in the bucket too");
}

#[actix::test]
async fn wrong_credentials_lose_nothing_and_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join(BUCKET)).expect("a bucket");
    let (address, _serving) = serve(folder.path(), anywhere()).await;
    let world = world(address, "not-the-secret").await;
    let started = record(&world).await;
    let why = trouble(&world, &started).await;
    assert!(!why.contains("not-the-secret"), "{why}");
    let metrics = send(world.page(Method::GET, "/metrics")).await.text;
    assert!(
        metrics.contains("calls_recording_uploads_failed_total"),
        "an alarm"
    );
    let id = started["recording_id"].as_str().expect("an id");
    let kept = std::fs::read_dir(world.recordings().join(id))
        .expect("its folder")
        .count();
    assert!(kept > 4, "all files are still here");
}

#[actix::test]
async fn a_store_that_is_dead_and_comes_back_gets_it_later() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join(BUCKET)).expect("a bucket");
    let (address, serving) = serve(folder.path(), anywhere()).await;
    let world = world(address, SECRET).await;
    serving.abort();
    let _ = serving.await; // it was told to end
    let started = record(&world).await;
    let why = trouble(&world, &started).await;
    assert!(why.starts_with("not uploaded yet: "), "{why}");
    let (_, _serving) = serve(folder.path(), address).await;
    let began = Instant::now();
    let id = started["recording_id"].as_str().expect("an id");
    loop {
        let recording = world.get(&format!("/recordings/{id}")).await.expect(200);
        if recording["status"] == "available" {
            assert_eq!(recording["error"], Value::Null);
            break;
        }
        assert!(began.elapsed() < TOLD, "{recording}");
        sleep(Duration::from_millis(100)).await;
    }
}
