//! Any datagrams on a verified path: DTLS goes all the way into the handshake.
#![no_main]

use std::time::{Duration, Instant};

use bytes::BytesMut;
use calls_fuzz::{Answered, Sent, path, pieces};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let mut now = Instant::now();
    let mut answered = Answered::new(now);
    answered.select(path(1), now);
    for piece in pieces(input) {
        answered
            .peer
            .handle_datagram(path(1), BytesMut::from(piece), now);
        now += Duration::from_millis(700);
        answered.peer.handle_timeout(now);
        answered.peer.flush(&mut Sent::default(), now);
        while answered.peer.poll_event().is_some() {}
    }
});
