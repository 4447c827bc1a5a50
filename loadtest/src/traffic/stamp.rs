//! The time of sending and the layer, carried at the end of each payload, so that no header rewriting touches them.

use std::time::{Duration, Instant};

/// Says that a payload's last bytes are a stamp.
const MAGIC: [u8; 4] = *b"load";

/// Bytes of a stamp: the magic word, a byte for the layer, and microseconds since the clock began in seven.
pub(super) const LEN: usize = MAGIC.len() + size_of::<u64>();

/// The one clock of sender and receiver: both are in this process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock(Instant);

impl Clock {
    /// A clock that begins now.
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since it began.
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// What a stamp says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// When the payload was sent.
    pub(crate) at: Duration,
    /// Of which encoding it is, 0 the smallest.
    pub(crate) layer: u8,
}

/// Puts the stamp at the end of `payload`, over what is there.
pub(super) fn stamp(payload: &mut [u8], stamp: Stamp) {
    let begin = payload.len() - LEN;
    payload[begin..begin + MAGIC.len()].copy_from_slice(&MAGIC);
    let micros = u64::try_from(stamp.at.as_micros()).unwrap_or(u64::MAX);
    let mut bytes = micros.to_be_bytes();
    bytes[0] = stamp.layer;
    payload[begin + MAGIC.len()..].copy_from_slice(&bytes);
}

/// What stands in this payload, if it is one of ours.
pub(crate) fn stamped(payload: &[u8]) -> Option<Stamp> {
    let (rest, bytes) = payload.split_last_chunk::<{ size_of::<u64>() }>()?;
    let mut micros = *bytes;
    let layer = std::mem::take(&mut micros[0]);
    let micros = u64::from_be_bytes(micros);
    rest.ends_with(&MAGIC).then_some(Stamp {
        at: Duration::from_micros(micros),
        layer,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_reads_back() {
        let mut payload = vec![0; 100];
        let written = Stamp {
            at: Duration::from_micros(123_456),
            layer: 2,
        };
        stamp(&mut payload, written);
        assert_eq!(stamped(&payload), Some(written));
    }

    #[test]
    fn what_we_did_not_send_has_no_stamp() {
        assert_eq!(stamped(&[0; 100]), None);
        assert_eq!(stamped(&[]), None);
    }
}
