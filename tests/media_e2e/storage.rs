//! Recordings that go to a bucket of a real S3-compatible server, which may refuse, or be dead for a while.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use calls::recording::{PART, finish};
use calls_model::{CallId, Fact, FilePlace, Recording, RecordingFile, RecordingId, Timestamp};
use reqwest::Method;
use serde_json::Value;
use tokio::time::sleep;

use super::super::room_of;
use super::recording::{settled, start, stop};
use super::s3::{BUCKET, KEY, SECRET, Watch, anywhere, bucket, serve, serve_watched, unfinished};
use crate::support::{World, send};

/// How long a failure may take to be told.
pub(super) const TOLD: Duration = Duration::from_secs(40);

/// A server that keeps its recordings there.
pub(super) async fn world(address: SocketAddr) -> World {
    world_with(address, SECRET).await
}

async fn world_with(address: SocketAddr, secret: &str) -> World {
    world_at(format!("http://{address}"), secret).await
}

async fn world_at(endpoint: String, secret: &str) -> World {
    World::start(true, |config| {
        let storage = &mut config.storage;
        BUCKET.clone_into(&mut storage.bucket);
        storage.endpoint = endpoint;
        KEY.clone_into(&mut storage.access_key_id);
        secret.clone_into(&mut storage.secret_access_key);
    })
    .await
}

/// Records a moment.
pub(super) async fn record(world: &World) -> Value {
    let (_, [alice, _bob]) = room_of(world, ["alice", "bob"]).await;
    let started = start(world, &alice, "tracks").await;
    sleep(Duration::from_millis(500)).await;
    stop(world, &alice).await;
    started
}

/// Waits until the upload was tried in vain, and gives the reason.
pub(super) async fn trouble(world: &World, started: &Value) -> String {
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

#[actix::test]
async fn a_recording_goes_to_the_bucket_and_is_fetched_from_there() {
    let folder = bucket();
    let (address, _serving) = serve(folder.path(), anywhere()).await;
    let world = world(address).await;
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
    gone(&local).await;
    let link = file["url"].as_str().expect("a link");
    let fetched = world.page(Method::GET, link).send().await.expect("a reply");
    assert_eq!(
        fetched.url().port(),
        Some(address.port()),
        "it was sent on to the bucket"
    );
    let name = fetched.headers().get("content-disposition").cloned();
    let name = name.and_then(|name| Some(name.to_str().ok()?.to_owned()));
    let wanted = format!(
        "attachment; filename=\"{id}-{}\"",
        file["name"].as_str().expect("a name")
    );
    assert_eq!(name, Some(wanted), "it is saved under its name");
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
async fn deleting_one_that_broke_off_while_it_was_made_once_more_leaves_nothing_in_the_bucket() {
    let folder = bucket();
    let (address, _serving) = serve(folder.path(), anywhere()).await;
    let world = world(address).await;
    let started = record(&world).await;
    let made: Recording =
        serde_json::from_value(settled(&world, &started).await).expect("a recording");
    let (call_id, recording_id, at) = (made.call_id, made.recording_id, made.requested_at);
    let mut files = made.files;
    for file in &mut files {
        file.place = FilePlace::Local; // brought back, and in the bucket as well
    }
    let facts = vec![
        Fact::RecordingComposeRequested {
            call_id: call_id.clone(),
            recording_id: recording_id.clone(),
            layout: None,
            at,
        },
        Fact::RecordingProcessed {
            call_id: call_id.clone(),
            recording_id: recording_id.clone(),
            files,
            duration_seconds: 1,
            report: Box::default(),
            at,
        },
        Fact::RecordingFailed {
            call_id,
            recording_id: recording_id.clone(),
            reason: "the disk broke".to_owned(),
            at,
        },
    ];
    let recorded = world.server.app().store.record(facts).await;
    recorded.expect("stored");
    let kept = folder.path().join(BUCKET).join("recordings");
    let kept = kept.join(recording_id.as_str());
    let count = || std::fs::read_dir(&kept).map_or(0, Iterator::count);
    assert!(count() > 0, "they are in the bucket");
    let path = format!("/recordings/{recording_id}");
    world.delete(&path).await.expect(204);
    assert_eq!(count(), 0, "deleted in the bucket too");
}

#[actix::test]
async fn wrong_credentials_lose_nothing_and_are_told() {
    let folder = bucket();
    let (address, _serving) = serve(folder.path(), anywhere()).await;
    let world = world_with(address, "not-the-secret").await;
    let started = record(&world).await;
    let why = trouble(&world, &started).await;
    let told =
        "not uploaded yet: the bucket refuses the server's access key, or does not let it do that";
    assert_eq!(why, told);
    assert!(
        metric(&world, "calls_recording_uploads_failed_total").await > 0.0,
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
    let folder = bucket();
    let (address, serving) = serve(folder.path(), anywhere()).await;
    let world = world(address).await;
    serving.abort();
    let _ = serving.await; // it was told to end
    let started = record(&world).await;
    let why = trouble(&world, &started).await;
    let told = "not uploaded yet: the bucket cannot be reached: connection refused";
    assert_eq!(why, told);
    let (_, _serving) = serve(folder.path(), address).await;
    available(&world, &started).await;
}

/// Waits until a recording is, with no trouble left.
pub(super) async fn available(world: &World, started: &Value) -> Value {
    let began = Instant::now();
    let id = started["recording_id"].as_str().expect("an id");
    loop {
        let recording = world.get(&format!("/recordings/{id}")).await.expect(200);
        if recording["status"] == "available" {
            eprintln!("measured: in the bucket after {:?}", began.elapsed());
            assert_eq!(recording["error"], Value::Null);
            return recording;
        }
        assert!(began.elapsed() < TOLD, "{recording}");
        sleep(Duration::from_millis(100)).await;
    }
}

#[actix::test]
async fn an_upload_that_crashes_is_told_of_and_holds_up_no_other() {
    // No configuration lets that through; what is behind the storage panics at it.
    let world = world_at(anywhere().to_string(), SECRET).await;
    for _ in 0..2 {
        let started = record(&world).await;
        let why = trouble(&world, &started).await;
        assert_eq!(why, "not uploaded yet: the work on it crashed");
    }
}

/// Waits until a file is only in the bucket, which follows upon what is told of it.
pub(super) async fn gone(local: &Path) {
    let began = Instant::now();
    while local.exists() {
        assert!(began.elapsed() < TOLD, "the bucket has it");
        sleep(Duration::from_millis(20)).await;
    }
}

/// The value of a metric.
pub(super) async fn metric(world: &World, name: &str) -> f64 {
    let metrics = send(world.page(Method::GET, "/metrics")).await.text;
    let line = metrics.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|value| value.trim().parse().ok())
        .unwrap_or(0.0)
}

#[actix::test]
async fn a_bucket_that_is_missing_is_told_and_used_as_soon_as_it_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let (address, _serving) = serve(folder.path(), anywhere()).await;
    let world = world(address).await;
    let started = record(&world).await;
    let why = trouble(&world, &started).await;
    assert_eq!(why, "not uploaded yet: there is no such bucket");
    assert!(metric(&world, "calls_recording_uploads_failed_total").await > 0.0);
    std::fs::create_dir(folder.path().join(BUCKET)).expect("a bucket");
    let recording = available(&world, &started).await;
    let kept = recording["files"].as_array().expect("files");
    assert!(
        kept.iter().all(|file| file["place"] == "bucket"),
        "{recording}"
    );
}

/// A recording of one large file that is whole, and was not uploaded yet.
pub(super) async fn whole(world: &World, bytes: &[u8]) -> Value {
    spoiled(world, bytes, |_| ()).await
}

/// The same, after something happened to the file on the disk.
pub(super) async fn spoiled(world: &World, bytes: &[u8], spoil: impl FnOnce(&Path)) -> Value {
    let spoil = |folder: &Path| spoil(&folder.join("large.webm"));
    made(world, &[("large.webm", bytes)], spoil).await
}

/// A recording of these files that are whole, and were not uploaded yet, after something happened to its folder.
pub(super) async fn made(
    world: &World,
    files: &[(&str, &[u8])],
    spoil: impl FnOnce(&Path),
) -> Value {
    let room = world.room(serde_json::json!({})).await;
    let (_socket, welcome) = world.enter(&room, "alice").await;
    let call_id: CallId = serde_json::from_value(welcome["call"]["call_id"].clone()).expect("id");
    let (recording_id, at) = (
        RecordingId::new(),
        Timestamp::from_millis(0).expect("a time"),
    );
    let folder = world.recordings().join(recording_id.as_str());
    std::fs::create_dir_all(&folder).expect("a folder");
    for (name, bytes) in files {
        std::fs::write(folder.join(name), bytes).expect("a file");
    }
    let recording: Recording = serde_json::from_value(serde_json::json!({
        "recording_id": recording_id, "call_id": call_id, "mode": "tracks", "status": "requested",
        "paused": false, "live": false, "layout": null, "participants": [], "requested_at": at, "started_at": null,
        "duration_seconds": 0, "size_bytes": 0, "files": [], "progress": 0, "error": null,
    }))
    .expect("a recording");
    let file = |(name, bytes): &(&str, &[u8])| -> RecordingFile {
        serde_json::from_value(serde_json::json!({
            "name": name, "kind": "track", "participant_id": null, "user_id": null,
            "source": "camera", "codec": "vp8", "media_type": "video/webm", "start_ms": 0,
            "duration_ms": 1000, "size_bytes": bytes.len(), "place": "local",
            "sha256": finish::sha256(&folder.join(name)).expect("a sum"),
        }))
        .expect("a file")
    };
    let files = files.iter().map(file).collect();
    spoil(&folder);
    let facts = vec![
        Fact::RecordingRequested {
            recording: Box::new(recording.clone()),
        },
        Fact::RecordingStopped {
            call_id: call_id.clone(),
            recording_id: recording_id.clone(),
            at,
        },
        Fact::RecordingProcessed {
            call_id,
            recording_id: recording_id.clone(),
            files,
            duration_seconds: 1,
            report: Box::default(),
            at,
        },
    ];
    let recorded = world.server.app().store.record(facts).await;
    recorded.expect("stored");
    serde_json::json!({ "recording_id": recording_id })
}

#[actix::test]
async fn a_large_upload_holds_up_no_other_and_its_age_is_told_meanwhile() {
    let folder = bucket();
    let watch = Arc::new(Watch::default());
    watch.holds.store(true, Ordering::SeqCst);
    let (address, _serving) = serve_watched(folder.path(), anywhere(), watch).await;
    let world = world(address).await;
    let large = whole(&world, &vec![7; 2 * PART]).await;
    let id = large["recording_id"].as_str().expect("an id");
    let began = Instant::now();
    let note = world.recordings().join(id).join("upload-large.webm.json");
    while !note.exists() {
        assert!(began.elapsed() < TOLD, "its upload begins");
        sleep(Duration::from_millis(50)).await;
    }
    let small = record(&world).await;
    let recording = available(&world, &small).await;
    assert_eq!(recording["files"][0]["place"], "bucket");
    let still = world.get(&format!("/recordings/{id}")).await.expect(200);
    assert_eq!(
        (&still["status"], &still["error"]),
        (&Value::from("uploading"), &Value::Null),
        "it is on its way"
    );
    assert!(metric(&world, "calls_recording_upload_age_seconds").await > 0.0);
}

#[actix::test]
async fn an_upload_goes_on_where_it_was_when_the_store_and_the_server_die_in_the_middle() {
    const PARTS: usize = 4;
    let folder = bucket();
    let watch = Arc::new(Watch::default());
    watch.dies_after.store(2, Ordering::SeqCst);
    let (address, serving) = serve_watched(folder.path(), anywhere(), watch.clone()).await;
    let world = world(address).await;
    let bytes: Vec<u8> = (0..(PARTS - 1) * PART + 1000)
        .map(|at| u8::try_from(at / 7 % 251).expect("below 251"))
        .collect();
    let recording = whole(&world, &bytes).await;
    let why = trouble(&world, &recording).await;
    assert!(why.starts_with("not uploaded yet: "), "{why}");
    assert!(
        metric(&world, "calls_recording_uploads_failed_total").await > 0.0,
        "an alarm"
    );
    assert!(
        metric(&world, "calls_recording_upload_age_seconds").await > 0.0,
        "and its age"
    );
    serving.await.expect("it died");
    let id = recording["recording_id"].as_str().expect("an id");
    let local = world.recordings().join(id).join("large.webm");
    assert_eq!(
        std::fs::read(&local).expect("it is here").len(),
        bytes.len()
    );

    let world = world.restart(true).await;
    let (_, _serving) = serve_watched(folder.path(), address, watch.clone()).await;
    available(&world, &recording).await;
    assert_eq!(
        watch.parts.load(Ordering::SeqCst),
        PARTS,
        "no part is sent twice"
    );
    gone(&local).await;
    let kept = folder.path().join(BUCKET).join("recordings").join(id);
    assert!(std::fs::read(kept.join("large.webm")).expect("it is there") == bytes);
    let left = std::fs::read_dir(world.recordings().join(id)).map_or(0, Iterator::count);
    assert_eq!(left, 0, "nothing is left of how far it was");
}

#[actix::test]
async fn what_a_store_lost_of_an_upload_is_sent_again() {
    let folder = bucket();
    let watch = Arc::new(Watch::default());
    watch.dies_after.store(1, Ordering::SeqCst);
    let (address, serving) = serve_watched(folder.path(), anywhere(), watch.clone()).await;
    let world = world(address).await;
    let recording = whole(&world, &vec![7; 2 * PART]).await;
    trouble(&world, &recording).await;
    serving.await.expect("it died");
    // Another store, which has never heard of the upload.
    let other = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(other.path().join(BUCKET)).expect("a bucket");
    let (_, _serving) = serve_watched(other.path(), address, watch.clone()).await;
    available(&world, &recording).await;
    let id = recording["recording_id"].as_str().expect("an id");
    let kept = other.path().join(BUCKET).join("recordings").join(id);
    let kept = std::fs::metadata(kept.join("large.webm")).expect("it is there");
    assert_eq!(kept.len(), 2 * PART as u64);
}

#[actix::test]
async fn an_upload_that_is_refused_in_the_middle_goes_on_when_it_is_let_in_again() {
    goes_on_after(|watch| &watch.refuses_after).await;
}

#[actix::test]
async fn an_upload_that_may_not_be_written_in_the_middle_goes_on_when_it_may_again() {
    goes_on_after(|watch| &watch.protected_after).await;
}

/// An upload is held up in the middle by this, and goes on without sending anything twice.
async fn goes_on_after(limit: fn(&Watch) -> &AtomicUsize) {
    const PARTS: usize = 4;
    let folder = bucket();
    let watch = Arc::new(Watch::default());
    limit(&watch).store(2, Ordering::SeqCst);
    let (address, _serving) = serve_watched(folder.path(), anywhere(), watch.clone()).await;
    let world = world(address).await;
    let recording = whole(&world, &vec![7; PARTS * PART]).await;
    let why = trouble(&world, &recording).await;
    assert!(why.starts_with("not uploaded yet: "), "{why}");
    limit(&watch).store(0, Ordering::SeqCst);
    available(&world, &recording).await;
    let sent = watch.parts.load(Ordering::SeqCst);
    assert_eq!(sent, PARTS, "no part is sent twice");
    assert_eq!(unfinished(folder.path()), 0, "and none is left over");
}

/// A recording of which the bucket has two parts of one file, and takes nothing more for now.
pub(super) struct SentInPart {
    pub(super) bucket: tempfile::TempDir,
    watch: Arc<Watch>,
    pub(super) world: World,
    pub(super) id: String,
    /// Where it is on this disk.
    pub(super) place: PathBuf,
}

impl SentInPart {
    /// Of these files, after something happened to its folder.
    pub(super) async fn of(files: &[(&str, &[u8])], spoil: impl FnOnce(&Path)) -> Self {
        let bucket = bucket();
        let watch = Arc::new(Watch::default());
        watch.refuses_after.store(2, Ordering::SeqCst);
        let (address, _) = serve_watched(bucket.path(), anywhere(), watch.clone()).await;
        let world = world(address).await;
        let started = made(&world, files, spoil).await;
        trouble(&world, &started).await;
        assert_eq!(unfinished(bucket.path()), 2, "parts of it");
        let id = started["recording_id"].as_str().expect("an id").to_owned();
        Self {
            bucket,
            watch,
            place: world.recordings().join(&id),
            world,
            id,
        }
    }

    /// A file of it goes from the disk, it is made of the others, and the bucket takes what comes.
    pub(super) async fn goes_on_without(&self, file: &str) -> Value {
        std::fs::remove_file(self.place.join(file)).expect("it was there");
        compose_again(&self.world, &self.id).await;
        self.bucket_takes_what_comes();
        available(&self.world, &serde_json::json!({ "recording_id": self.id })).await
    }

    pub(super) fn bucket_takes_what_comes(&self) {
        self.watch.refuses_after.store(0, Ordering::SeqCst);
    }
}

#[actix::test]
async fn of_a_file_that_is_no_part_of_a_recording_any_more_nothing_stays_in_the_bucket() {
    let sent = SentInPart::of(&[("large.webm", &vec![7; 3 * PART])], |_| ()).await;
    let recording = sent.goes_on_without("large.webm").await;
    assert_eq!(recording["files"], serde_json::json!([]), "{recording}");
    assert_eq!(unfinished(sent.bucket.path()), 0);
    assert!(!sent.place.join("upload-large.webm.json").exists());
}

#[actix::test]
async fn deleting_one_that_was_sent_in_part_leaves_nothing_of_it_in_the_bucket() {
    let sent = SentInPart::of(&[("large.webm", &vec![7; 3 * PART])], |_| ()).await;
    let path = format!("/recordings/{}", sent.id);
    let recording = sent.world.get(&path).await.expect(200);
    let recording: Recording = serde_json::from_value(recording).expect("a recording");
    let failed = Fact::RecordingFailed {
        call_id: recording.call_id,
        recording_id: recording.recording_id,
        reason: "the disk broke".to_owned(),
        at: recording.requested_at,
    };
    let recorded = sent.world.server.app().store.record(vec![failed]).await;
    recorded.expect("stored");
    sent.bucket_takes_what_comes();
    sent.world.delete(&path).await.expect(204);
    assert_eq!(unfinished(sent.bucket.path()), 0);
    assert!(!sent.place.exists());
}

/// A recording is to be made once more, however it stands.
pub(super) async fn compose_again(world: &World, id: &str) {
    let made = world.get(&format!("/recordings/{id}")).await.expect(200);
    let made: Recording = serde_json::from_value(made).expect("a recording");
    let again = Fact::RecordingComposeRequested {
        call_id: made.call_id,
        recording_id: made.recording_id,
        layout: None,
        at: made.requested_at,
    };
    let recorded = world.server.app().store.record(vec![again]).await;
    recorded.expect("stored");
}
