//! RTP timestamps beyond their wrap-arounds.

use crate::rtp::seq::timestamp_step;

/// Extends the 32-bit timestamps of one stream (RFC 3550 §5.1): numbers that came near each other stay near.
#[derive(Debug, Clone, Default)]
pub struct Unwrap {
    last: Option<(u32, i64)>,
}

impl Unwrap {
    /// The extended timestamp nearest to the last one; the first stands for itself.
    pub fn extend(&mut self, timestamp: u32) -> i64 {
        let extended = self.near(timestamp);
        self.last = Some((timestamp, extended));
        extended
    }

    /// As [`extend`](Self::extend), and changes nothing.
    pub fn near(&self, timestamp: u32) -> i64 {
        match self.last {
            None => i64::from(timestamp),
            Some((last, extended)) => extended + i64::from(timestamp_step(timestamp, last)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_goes_on_over_its_wrap_around_and_back() {
        let mut unwrap = Unwrap::default();
        assert_eq!(unwrap.extend(u32::MAX - 1), 4_294_967_294);
        assert_eq!(unwrap.extend(2), 4_294_967_298);
        assert_eq!(unwrap.extend(u32::MAX), 4_294_967_295);
    }
}
