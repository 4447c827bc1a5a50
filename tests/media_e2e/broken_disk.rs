//! Finished recordings that the disk gives back otherwise than they were made, or not at all.

use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use calls::recording::{PART, finish};
use tokio::time::sleep;

use super::keeping::report;
use super::recording::settled;
use super::s3::{BUCKET, anywhere, bucket, serve, unfinished};
use super::storage::{
    SentInPart, TOLD, available, compose_again, gone, metric, record, spoiled, trouble, whole,
    world,
};
use crate::support::World;

/// Changes one bit in the middle of a file.
fn rots(path: &Path) {
    let mut bytes = std::fs::read(path).expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).expect("it rots");
}

#[actix::test]
async fn what_rots_on_the_disk_and_cannot_be_made_anew_is_given_out_and_named() {
    let folder = bucket();
    let (address, _serving) = serve(folder.path(), anywhere()).await;
    let in_bucket = world(address).await;
    let on_disk = World::open().await;
    for (world, size) in [
        (&in_bucket, 1000),
        (&in_bucket, 2 * PART + 1000),
        (&on_disk, 1000),
    ] {
        let before = metric(world, "calls_recordings_failed_total").await;
        let recording = settled(world, &spoiled(world, &vec![7; size], rots).await).await;
        assert_eq!(recording["status"], "available", "{recording}");
        let report = report(world, &recording).await;
        assert_eq!(report["files_damaged"], serde_json::json!(["large.webm"]));
        assert!(
            metric(world, "calls_recordings_failed_total").await > before,
            "an alarm"
        );
        let id = recording["recording_id"].as_str().expect("an id");
        let kept = if recording["files"][0]["place"] == "bucket" {
            folder.path().join(BUCKET).join("recordings").join(id)
        } else {
            world.recordings().join(id)
        };
        let is = finish::sha256(&kept.join("large.webm")).expect("it is there");
        assert_eq!(recording["files"][0]["sha256"], is, "what is given out");
    }
    assert_eq!(
        unfinished(folder.path()),
        0,
        "no parts are left in the bucket"
    );
}

#[actix::test]
async fn what_the_disk_cannot_read_is_named_and_holds_up_nothing_else_on_its_way_to_the_bucket() {
    let large = vec![7; 3 * PART];
    let files: [(&str, &[u8]); 3] = [
        ("1-unreadable.webm", b"as it was"),
        ("2-dropped.webm", &large),
        ("3-good.webm", b"as it is"),
    ];
    let unreadable = |folder: &Path| {
        let path = folder.join("1-unreadable.webm");
        std::fs::remove_file(&path).expect("it was there");
        // Nobody can read its beginning: the system says EIO, as of a sector that is lost.
        std::os::unix::fs::symlink("/proc/self/mem", path).expect("a link");
    };
    let sent = SentInPart::of(&files, unreadable).await;
    let recording = sent.goes_on_without("2-dropped.webm").await;
    let kept = recording["files"].as_array().expect("files").iter();
    let kept: Vec<_> = kept
        .map(|file| (file["name"].as_str(), file["place"].as_str()))
        .collect();
    let wanted = [("1-unreadable.webm", "local"), ("3-good.webm", "bucket")];
    assert_eq!(kept, wanted.map(|(name, place)| (Some(name), Some(place))));
    let report = report(&sent.world, &recording).await;
    let damaged = serde_json::json!(["1-unreadable.webm", "2-dropped.webm"]);
    assert_eq!(report["files_damaged"], damaged, "{report}");
    gone(&sent.place.join("3-good.webm")).await;
    assert_eq!(unfinished(sent.bucket.path()), 0);
    assert!(!sent.place.join("upload-2-dropped.webm.json").exists());
}

#[actix::test]
async fn what_rots_on_the_disk_is_made_anew_of_what_it_was_written_in() {
    is_made_anew_after(rots).await;
}

#[actix::test]
async fn what_goes_from_the_disk_is_made_anew_of_what_it_was_written_in() {
    is_made_anew_after(|path| std::fs::remove_file(path).expect("it was there")).await;
}

async fn is_made_anew_after(damage: impl Fn(&Path)) {
    let folder = bucket();
    let (address, serving) = serve(folder.path(), anywhere()).await;
    let world = world(address).await;
    serving.abort();
    let _ = serving.await; // it was told to end
    let started = record(&world).await;
    trouble(&world, &started).await;
    let id = started["recording_id"].as_str().expect("an id");
    let waiting = world.get(&format!("/recordings/{id}")).await.expect(200);
    let files = waiting["files"].as_array().expect("files");
    let names = files.iter().map(|file| file["name"].as_str());
    let names: Vec<&str> = names.map(|name| name.expect("a name")).collect();
    damage(&world.recordings().join(id).join(names[1]));
    let (_, _serving) = serve(folder.path(), address).await;
    let recording = available(&world, &started).await;
    let report = report(&world, &recording).await;
    assert_eq!(report["files_damaged"], serde_json::json!([]), "{report}");
    let made = recording["files"].as_array().expect("files");
    assert_eq!(made.len(), files.len(), "{recording}");
    let kept = folder.path().join(BUCKET).join("recordings").join(id);
    for (file, before) in made.iter().zip(files) {
        for same in ["name", "duration_ms", "size_bytes"] {
            assert_eq!(file[same], before[same], "{file}");
        }
        let is = finish::sha256(&kept.join(file["name"].as_str().expect("a name")));
        assert_eq!(file["sha256"], is.expect("it is there"), "{file}");
    }
}

#[actix::test]
async fn a_disk_that_is_not_there_when_a_recording_is_made_once_more_is_waited_for() {
    let folder = bucket();
    let (address, serving) = serve(folder.path(), anywhere()).await;
    let world = world(address).await;
    serving.abort();
    let _ = serving.await; // it was told to end
    let started = whole(&world, &[7; 1000]).await;
    trouble(&world, &started).await;
    let id = started["recording_id"].as_str().expect("an id");
    let (place, away) = (world.recordings().join(id), world.recordings().join("away"));
    std::fs::rename(&place, &away).expect("another disk is there");
    let (_, _serving) = serve(folder.path(), address).await;
    compose_again(&world, id).await;
    let why = waits_for(&world, id, "the folder of the recording is not there").await;
    assert!(why.starts_with("not made yet: "), "{why}");
    assert!(!place.exists(), "and nobody makes one in its place");
    std::fs::rename(&away, &place).expect("it is back");
    let recording = available(&world, &started).await;
    assert_eq!(recording["files"][0]["place"], "bucket", "{recording}");
    let report = report(&world, &recording).await;
    assert_eq!(report["files_damaged"], serde_json::json!([]), "{report}");
}

/// Waits until a recording that can be had, or not any more, waits for this; gives what it says.
async fn waits_for(world: &World, id: &str, what: &str) -> String {
    let began = Instant::now();
    loop {
        let recording = world.get(&format!("/recordings/{id}")).await.expect(200);
        let why = recording["error"].as_str().unwrap_or_default();
        if why.contains(what) {
            return why.to_owned();
        }
        let is_over = recording["status"] == "available";
        assert!(!is_over && began.elapsed() < TOLD, "{recording}");
        sleep(Duration::from_millis(50)).await;
    }
}

#[actix::test]
async fn a_disk_that_gives_back_something_else_each_time_is_asked_some_times_only() {
    let world = World::open().await;
    let failing = Arc::new(AtomicBool::new(true));
    let still = failing.clone();
    let fails = |path: &Path| {
        let path = path.to_owned();
        std::thread::spawn(move || {
            for time in 0_u64.. {
                if !still.load(Ordering::SeqCst) {
                    break;
                }
                let file = std::fs::File::options().write(true).open(&path);
                let _ = file.and_then(|file| file.write_all_at(&time.to_le_bytes(), 500));
                std::thread::sleep(Duration::from_micros(100));
            }
        });
    };
    let started = spoiled(&world, &[7; 1000], fails).await;
    let recording = available(&world, &started).await;
    failing.store(false, Ordering::SeqCst);
    let report = report(&world, &recording).await;
    assert_eq!(report["files_damaged"], serde_json::json!(["large.webm"]));
    assert_eq!(recording["files"][0]["size_bytes"], 1000, "as it is");
}
