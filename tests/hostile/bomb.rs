//! What unpacks to far more than it is.

use flate2::{Compress, Compression, FlushCompress};

/// So many megabytes of blanks, packed (RFC 1951): one of them, over and over, and no end.
pub(crate) fn deflated(megabytes: usize) -> Vec<u8> {
    let blanks = vec![b' '; 1024 * 1024];
    let mut packed = Vec::with_capacity(64 * 1024);
    Compress::new(Compression::best(), false)
        .compress_vec(&blanks, &mut packed, FlushCompress::Full)
        .expect("there is room");
    packed.repeat(megabytes)
}

/// The same behind the head of a gzip file (RFC 1952).
pub(crate) fn gzipped(megabytes: usize) -> Vec<u8> {
    let head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    [&head[..], &deflated(megabytes)].concat()
}

#[test]
fn a_bomb_unpacks_to_what_it_claims() {
    use std::io::Read;
    let mut unpacked = Vec::new();
    let bomb = gzipped(3);
    let end = flate2::read::GzDecoder::new(&bomb[..]).read_to_end(&mut unpacked);
    assert!(end.is_err(), "it has no end");
    assert_eq!(unpacked.len(), 3 * 1024 * 1024);
    assert!(bomb.len() < 16 * 1024, "{} bytes", bomb.len());
}
