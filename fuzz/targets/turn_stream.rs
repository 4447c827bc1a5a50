//! Any stream, cut anywhere: messages come out as long as it is one, and little is kept.
#![no_main]

use calls_turn::Deframer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((&cut, stream)) = input.split_first() else {
        return;
    };
    let mut deframer = Deframer::default();
    let mut out = 0;
    for piece in stream.chunks(usize::from(cut).max(1)) {
        deframer.space(piece.len()).extend_from_slice(piece);
        loop {
            match deframer.next_message() {
                Ok(Some(message)) => out += message.len(),
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
    assert!(out <= stream.len());
});
