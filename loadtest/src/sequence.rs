//! Loss, read off the sequence numbers of one received stream (RFC 3550 appendix A.1).

/// A jump further than this is a stream that began anew, not a gap.
const MAX_GAP: u16 = 3000;

/// Follows one stream of sequence numbers.
#[derive(Debug, Default)]
pub(crate) struct Sequence {
    next: Option<u16>,
}

impl Sequence {
    /// How the number of missing packets changes by this one: a gap adds to it, a late packet takes one back.
    pub(crate) fn on(&mut self, number: u16) -> i64 {
        let ahead = number.wrapping_sub(self.next.unwrap_or(number));
        if ahead < MAX_GAP {
            self.next = Some(number.wrapping_add(1));
            i64::from(ahead)
        } else if ahead > u16::MAX - MAX_GAP {
            -1 // reordered, or sent again; our own peer drops duplicates before we see them
        } else {
            self.next = Some(number.wrapping_add(1));
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(numbers: &[u16]) -> i64 {
        let mut sequence = Sequence::default();
        numbers.iter().map(|number| sequence.on(*number)).sum()
    }

    #[test]
    fn an_unbroken_stream_misses_nothing_even_where_the_counter_wraps() {
        assert_eq!(missing(&[65_534, 65_535, 0, 1]), 0);
    }

    #[test]
    fn a_gap_counts_what_is_not_there() {
        assert_eq!(missing(&[10, 14]), 3);
    }

    #[test]
    fn a_late_packet_is_not_lost() {
        assert_eq!(missing(&[65_535, 1, 0]), 0);
    }

    #[test]
    fn a_stream_that_begins_anew_is_no_loss() {
        assert_eq!(missing(&[10, 40_000, 40_001]), 0);
    }
}
