//! Any text as an offer, twice: the second must agree with the first or be refused.
#![no_main]

use std::time::Instant;

use calls_fuzz::bare_peer;
use calls_media::peer::published_by;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|sdp: &str| {
    let now = Instant::now();
    let mut peer = bare_peer(now);
    let publish = published_by(sdp).unwrap_or_default();
    if let Ok(first) = peer.offer(sdp, &publish, now) {
        let again = peer
            .offer(sdp, &publish, now)
            .expect("what was good once is good again");
        assert_eq!(first.tracks, again.tracks);
        assert_eq!(first.slots, again.slots);
        assert!(again.ended.is_empty());
    }
});
