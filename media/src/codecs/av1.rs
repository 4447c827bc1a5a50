//! AV1 aggregation header (AV1 RTP specification §4.4).

/// `|Z|Y|W W|N|-|-|-|`: N marks the first packet of a coded video sequence, which begins with a key frame.
pub(super) fn starts_keyframe(payload: &[u8]) -> bool {
    payload
        .first()
        .is_some_and(|header| header & 0x08 != 0 && header & 0x80 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_packet_of_a_coded_video_sequence_starts_a_key_frame() {
        assert!(starts_keyframe(&[0x18, 0x0a]));
        assert!(!starts_keyframe(&[0x10, 0x32]));
        assert!(!starts_keyframe(&[]));
    }

    #[test]
    fn a_fragment_that_goes_on_starts_nothing() {
        assert!(!starts_keyframe(&[0x88, 0x0a]));
    }
}
