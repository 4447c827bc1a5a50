//! What packet index a sequence number means (RFC 3711 §3.3.1).

/// The 48-bit index that a sequence number most likely stands for, after `newest`; `None` before the very first.
pub(super) fn index_of(newest: u64, seq: u16) -> Option<u64> {
    let (roll_over, newest) = (newest >> 16, newest & 0xffff);
    let seq = u64::from(seq);
    let roll_over = if newest < 0x8000 && seq > newest + 0x8000 {
        roll_over.checked_sub(1)?
    } else if newest >= 0x8000 && seq < newest - 0x8000 {
        roll_over + 1
    } else {
        roll_over
    };
    Some(roll_over << 16 | seq)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_roll_over_counter_follows_wraps_both_ways() {
        assert_eq!(index_of(65_534, 1), Some(65_537));
        assert_eq!(index_of(65_537, 65_535), Some(65_535));
        assert_eq!(index_of(65_537, 2), Some(65_538));
        assert_eq!(index_of(2, 65_535), None);
    }

    proptest! {
        #[test]
        fn an_index_near_the_newest_is_recovered_from_its_lower_bits(newest in 40_000u64..1 << 40, off in -0x7fffi64..0x7fff) {
            let index = newest.saturating_add_signed(off);
            #[expect(clippy::cast_possible_truncation, reason = "the lower bits are the point")]
            let seq = index as u16;
            prop_assert_eq!(index_of(newest, seq), Some(index));
        }
    }
}
