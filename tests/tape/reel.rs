//! One second of a flash or a beep, as FFmpeg codes it, cut into what RTP carries.

use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use calls_codec::Demuxer;
use calls_media::codecs::inspect;
use calls_media::seam::{Codec, PayloadInfo};
use rtc::rtp::codec::av1::Av1Payloader;
use rtc::rtp::codec::h264::H264Payloader;
use rtc::rtp::codec::vp8::Vp8Payloader;
use rtc::rtp::codec::vp9::Vp9Payloader;
use rtc::rtp::packetizer::Payloader;

/// Most bytes of a payload.
const MTU: usize = 1100;

/// How long the flash and the beep last, in seconds.
const FLASH: &str = "0.12";

/// A payload, and what it tells.
pub(crate) type Payload = (Bytes, PayloadInfo);

/// One second of coded sound or picture.
#[derive(Clone)]
pub(crate) struct Reel {
    pub(crate) codec: Codec,
    /// When each frame is, in microseconds, and its payloads.
    pub(crate) frames: Vec<(i64, Vec<Payload>)>,
}

impl Reel {
    /// A picture that is white when the second begins, and black.
    pub(crate) fn flash(codec: Codec) -> Self {
        let (encoder, name): (&[&str], _) = match codec {
            Codec::Vp8 => (&["libvpx", "-deadline", "realtime"], "reel.webm"),
            Codec::Vp9 { .. } => (&["libvpx-vp9", "-deadline", "realtime"], "reel.webm"),
            Codec::H264 { .. } => (
                &["libx264", "-tune", "zerolatency", "-bf", "0"],
                "reel.h264",
            ),
            Codec::Av1 => (
                &["libaom-av1", "-usage", "realtime", "-cpu-used", "8"],
                "reel.obu",
            ),
            Codec::Opus | Codec::Red => unreachable!("no picture"),
        };
        let source =
            format!("color=black:s=160x96:r=25:d=1,drawbox=c=white:t=fill:enable='lt(t,{FLASH})'");
        let mut arguments = vec!["-i", &source, "-pix_fmt", "yuv420p", "-g", "25", "-c:v"];
        arguments.extend(encoder);
        let mut payloader: Box<dyn Payloader> = match codec {
            Codec::Vp8 => Box::new(Vp8Payloader::default()),
            Codec::Vp9 { .. } => Box::new(Vp9Payloader::default()),
            Codec::H264 { .. } => Box::new(H264Payloader::default()),
            _ => Box::new(Av1Payloader::default()),
        };
        Self::new(codec, &arguments, name, 40_000, |frame| {
            payloader.payload(MTU, &frame).expect("it can be cut")
        })
    }

    /// A tone that is there when the second begins, and silence.
    pub(crate) fn beep() -> Self {
        let source = format!("aevalsrc='0.8*sin(2*PI*880*t)*lt(t\\,{FLASH})':s=48000:d=1.02");
        let arguments = ["-i", &source, "-c:a", "libopus", "-frame_duration", "20"];
        let mut reel = Self::new(Codec::Opus, &arguments, "reel.ogg", 20_000, |frame| {
            vec![frame]
        });
        reel.frames.truncate(50);
        reel
    }

    fn new(
        codec: Codec,
        arguments: &[&str],
        name: &str,
        apart_us: i64,
        mut cut: impl FnMut(Bytes) -> Vec<Bytes>,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(name);
        ffmpeg(&[&["-f", "lavfi"], arguments].concat(), &path);
        let mut demuxer = Demuxer::open(&path).expect("it opens");
        let mut frames = Vec::new();
        while let Some(read) = demuxer.read().expect("to its end") {
            let payloads = cut(Bytes::copy_from_slice(read.data)).into_iter();
            let payloads = payloads.map(|payload| (payload.clone(), inspect(codec, &payload)));
            let at_us = i64::try_from(frames.len()).expect("few") * apart_us;
            frames.push((at_us, payloads.collect()));
        }
        Self { codec, frames }
    }
}

/// Runs it, from these arguments to this file.
pub(crate) fn ffmpeg(arguments: &[&str], to: &Path) {
    let ran = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-y"])
        .args(arguments)
        .arg(to)
        .output()
        .expect("ffmpeg is there");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{arguments:?}: {said}");
}
