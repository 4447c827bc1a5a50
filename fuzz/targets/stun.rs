//! Any attributes in an authentic check, and the same bytes as a whole message.
#![no_main]

use std::time::Instant;

use bytes::BytesMut;
use calls_fuzz::{Answered, Sent, path, pieces};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let now = Instant::now();
    let mut answered = Answered::new(now);
    let attributes: Vec<(u16, &[u8])> = pieces(input)
        .filter_map(|piece| {
            let (typ, value) = piece.split_first_chunk()?;
            Some((u16::from_be_bytes(*typ), value))
        })
        .collect();
    let check = answered.check(&attributes);
    answered.peer.handle_datagram(path(1), check, now);
    let mut raw = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
    raw[2..4].copy_from_slice(&u16::try_from(input.len()).unwrap_or_default().to_be_bytes());
    raw.extend([7; 12]);
    raw.extend(input);
    answered
        .peer
        .handle_datagram(path(2), BytesMut::from(&raw[..]), now);
    answered.peer.flush(&mut Sent::default(), now);
});
