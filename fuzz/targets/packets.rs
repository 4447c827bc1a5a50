//! Any decrypted packets into the receiving half, and what comes out of it through the sending half.
#![no_main]

use std::time::{Duration, Instant};

use bytes::Bytes;
use calls_fuzz::{Nowhere, pieces, playing, tracks};
use calls_media::inbound::Inbound;
use calls_media::seam::Ssrc;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let mut now = Instant::now();
    let mut inbound = Inbound::new(Ssrc(1), "calls", now);
    inbound.set_tracks(tracks());
    let mut outbound = playing(now);
    for piece in pieces(input) {
        inbound.handle_rtp(Bytes::copy_from_slice(piece), now);
        now += Duration::from_millis(30);
        while let Some(burst) = inbound.poll_burst() {
            outbound.forward(&burst, now, &mut Nowhere);
        }
        while inbound.poll_rtcp(now).is_some() {}
        outbound.handle_timeout(now);
        while outbound.poll_event().is_some() {}
    }
});
