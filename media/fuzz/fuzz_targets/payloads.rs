//! Any payload descriptor, read and then rewritten on its way through a slot.
#![no_main]

use std::time::Instant;

use bytes::Bytes;
use calls_media::codecs::descriptor::Descriptor;
use calls_media::codecs::{inspect, red, vp9};
use calls_media::seam::{Burst, Codec};
use calls_media_fuzz::{Nowhere, packet, playing};
use libfuzzer_sys::fuzz_target;

const CODECS: [Codec; 6] = [
    Codec::Vp8,
    Codec::Vp9 { profile: 0 },
    Codec::H264 {
        profile: 0x42,
        mode: 1,
    },
    Codec::Av1,
    Codec::Opus,
    Codec::Red,
];

fuzz_target!(|input: &[u8]| {
    let now = Instant::now();
    let payload = Bytes::copy_from_slice(input);
    let _ = red::primary(&payload);
    let _ = vp9::Descriptor::read(&payload);
    // What a structure says of the descriptors that come after it.
    let first = Descriptor::parse(&payload, None);
    if let Some(structure) = first.and_then(|first| first.structure) {
        for at in 0..payload.len() {
            let _ = Descriptor::parse(&payload[at..], Some(&structure));
        }
    }
    let mut outbound = playing(now);
    for (seq, codec) in (1_000..).zip(CODECS) {
        let info = inspect(codec, &payload);
        let mut packet = packet(seq, now);
        packet.codec = codec;
        packet.payload = payload.clone();
        packet.info = info;
        packet.dependency_descriptor = Some(payload.clone());
        let burst: Burst = vec![packet].into();
        outbound.forward(&burst, now, &mut Nowhere);
    }
});
