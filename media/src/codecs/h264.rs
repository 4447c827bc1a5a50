//! H.264 payloads (RFC 6184 §5).

/// `profile_idc` of baseline and constrained baseline.
pub const BASELINE: u8 = 0x42;

const SEQUENCE_PARAMETERS: u8 = 7;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// The packet carries a sequence parameter set, which WebRTC encoders put before every IDR picture.
/// An IDR without one is no place to start: a decoder that is new to the stream could not read it.
pub(super) fn starts_keyframe(payload: &[u8]) -> bool {
    let Some((&first, rest)) = payload.split_first() else {
        return false;
    };
    match first & 0x1f {
        SEQUENCE_PARAMETERS => true,
        STAP_A => aggregated(rest).any(|unit| unit & 0x1f == SEQUENCE_PARAMETERS),
        FU_A => rest
            .first()
            .is_some_and(|fu| fu & 0x80 != 0 && fu & 0x1f == SEQUENCE_PARAMETERS),
        _ => false,
    }
}

/// First bytes of the units in a STAP-A: each stands behind two bytes of length.
fn aggregated(mut rest: &[u8]) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let (&length, units) = rest.split_first_chunk::<2>()?;
        let first = *units.first()?;
        rest = units
            .get(usize::from(u16::from_be_bytes(length))..)
            .unwrap_or_default();
        Some(first)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_alone_or_first_in_an_aggregate_start_a_key_frame() {
        assert!(starts_keyframe(&[0x67, 0x42]));
        assert!(starts_keyframe(&[0x18, 0, 2, 0x67, 0x42, 0, 1, 0x68]));
        assert!(starts_keyframe(&[0x18, 0, 1, 0x09, 0, 2, 0x67, 0x42]));
    }

    #[test]
    fn slices_and_a_bare_idr_start_nothing() {
        assert!(!starts_keyframe(&[0x41, 0x9a]));
        assert!(!starts_keyframe(&[0x7c, 0x85, 0x88]));
        assert!(!starts_keyframe(&[0x18, 0, 1, 0x68, 0, 9, 0x65]));
        assert!(!starts_keyframe(&[]));
    }

    #[test]
    fn only_the_first_fragment_starts() {
        assert!(starts_keyframe(&[0x7c, 0x87]));
        assert!(!starts_keyframe(&[0x7c, 0x07]));
    }

    #[test]
    fn an_aggregate_of_empty_units_ends() {
        assert!(!starts_keyframe(&[0x18, 0, 0, 0, 0, 0, 0]));
    }
}
