//! Any bytes as a decrypted RTCP datagram, and what both halves of forwarding make of it.
#![no_main]

use std::time::{Duration, Instant};

use calls_fuzz::{Nowhere, playing, tracks};
use calls_media::inbound::Inbound;
use calls_media::outbound::Outbound;
use calls_media::rtcp;
use calls_media::seam::Ssrc;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let now = Instant::now();
    let reports = rtcp::parse(input);
    let mut inbound = Inbound::new(Ssrc(1), "calls", now);
    inbound.set_tracks(tracks());
    inbound.handle_rtcp(&reports, now);
    while inbound.poll_clock().is_some() {}

    let mut outbound: Outbound = playing(now);
    let later = now + Duration::from_secs(2);
    outbound.handle_rtcp(&reports, later, &mut Nowhere);
    while let Some(report) = outbound.poll_rtcp(later) {
        assert!(!rtcp::parse(&report).is_empty());
    }
});
