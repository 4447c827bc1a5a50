//! Every codec that a client may send is recorded as it came, and understood by others.

use std::path::Path;
use std::process::Command;

use calls_media::seam::Codec;
use calls_model::Source;

use super::play::{Clocks, Network, play, times};
use super::reel::Reel;

/// How long is recorded, in seconds.
const SECONDS: i64 = 4;

/// What ffprobe says: the codec, the size, and how many frames it could decode.
fn probe(path: &Path) -> String {
    let show = "stream=codec_name,width,height,nb_read_frames";
    let ran = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-count_frames",
            "-show_entries",
            show,
            "-of",
            "csv=p=0",
        ])
        .arg(path)
        .output()
        .expect("ffprobe is there");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(
        ran.status.success() && said.is_empty(),
        "{}: {said}",
        path.display()
    );
    String::from_utf8_lossy(&ran.stdout).trim().to_owned()
}

async fn recorded(codec: Codec, name: &str, extension: &str) {
    let (beep, flash) = (Reel::beep(), Reel::flash(codec));
    let played = play(
        [&beep, &flash],
        SECONDS,
        Network::default(),
        Clocks::default(),
    )
    .await;
    let camera = played.path(Source::Camera);
    assert_eq!(
        camera.extension().and_then(|one| one.to_str()),
        Some(extension)
    );
    let frames = usize::try_from(SECONDS * 25).expect("few");
    assert_eq!(times(&camera).len(), frames);
    let found = probe(&camera);
    let (kind, decoded) = found.rsplit_once(',').expect("four words");
    assert_eq!(kind, format!("{name},160,96"));
    // MP4's edit list may leave one out, which lies before the beginning by less than a frame.
    let decoded: usize = decoded.parse().expect("a number");
    assert!(decoded + 1 >= frames, "{decoded} of {frames}");
    let (flashes, beeps) = (played.flashes(), played.beeps());
    assert!(flashes.len() >= 3, "{flashes:?}");
    for flash in flashes {
        let apart = beeps.iter().map(|beep| (beep - flash).abs()).min();
        assert!(apart < Some(40_000), "{flash} has no beep: {beeps:?}");
    }
}

#[actix::test]
async fn vp8_is_recorded() {
    recorded(Codec::Vp8, "vp8", "webm").await;
}

#[actix::test]
async fn vp9_is_recorded() {
    recorded(Codec::Vp9 { profile: 0 }, "vp9", "webm").await;
}

#[actix::test]
async fn h264_is_recorded() {
    let codec = Codec::H264 {
        profile: 0x42,
        mode: 1,
    };
    recorded(codec, "h264", "mp4").await;
}

#[actix::test]
async fn av1_is_recorded() {
    recorded(Codec::Av1, "av1", "webm").await;
}
