//! Any text as a frame of signaling; what is understood is written again and understood the same.
#![no_main]

use calls_model::signal::ClientFrame;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(frame) = serde_json::from_slice::<ClientFrame>(input) else {
        return;
    };
    let written = serde_json::to_vec(&frame).expect("what was read can be written");
    let again: ClientFrame = serde_json::from_slice(&written).expect("we wrote it");
    assert_eq!(again, frame);
});
