//! The time of sending, carried at the end of each payload, so that no header rewriting touches it.

use std::time::{Duration, Instant};

/// Says that a payload's last bytes are a stamp.
const MAGIC: [u8; 4] = *b"load";

/// Bytes of a stamp: the magic word and microseconds since the clock began.
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

/// Puts the stamp at the end of `payload`, over what is there.
pub(super) fn stamp(payload: &mut [u8], at: Duration) {
    let begin = payload.len() - LEN;
    payload[begin..begin + MAGIC.len()].copy_from_slice(&MAGIC);
    let micros = u64::try_from(at.as_micros()).unwrap_or(u64::MAX);
    payload[begin + MAGIC.len()..].copy_from_slice(&micros.to_be_bytes());
}

/// When this payload was sent, if it is one of ours.
pub(crate) fn stamped(payload: &[u8]) -> Option<Duration> {
    let (rest, micros) = payload.split_last_chunk::<{ size_of::<u64>() }>()?;
    rest.ends_with(&MAGIC)
        .then(|| Duration::from_micros(u64::from_be_bytes(*micros)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_reads_back() {
        let mut payload = vec![0; 100];
        stamp(&mut payload, Duration::from_micros(123_456));
        assert_eq!(stamped(&payload), Some(Duration::from_micros(123_456)));
    }

    #[test]
    fn what_we_did_not_send_has_no_stamp() {
        assert_eq!(stamped(&[0; 100]), None);
        assert_eq!(stamped(&[]), None);
    }
}
