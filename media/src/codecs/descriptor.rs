//! The dependency descriptor, which travels in a header extension (AV1 RTP specification, appendix A.8).

/// The mandatory fields, which stand in every descriptor:
///
/// ```text
/// |S|E| template id (6) | frame number (16) |
/// ```
const MANDATORY: usize = 3;

/// Counts frames; `None` in what is no descriptor.
pub fn frame_number(descriptor: &[u8]) -> Option<u16> {
    let &[_, high, low] = descriptor.first_chunk::<MANDATORY>()?;
    Some(u16::from_be_bytes([high, low]))
}

/// What stands before the frame number and behind it.
pub fn around_frame_number(descriptor: &[u8]) -> Option<(&[u8], &[u8])> {
    Some((descriptor.get(..1)?, descriptor.get(MANDATORY..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_number_stands_behind_the_template_id() {
        let descriptor = [0xc2, 0x12, 0x34, 0x80, 0x01];
        assert_eq!(frame_number(&descriptor), Some(0x1234));
        let around = around_frame_number(&descriptor).unwrap();
        assert_eq!(around, (&[0xc2][..], &[0x80, 0x01][..]));
    }

    #[test]
    fn what_is_too_short_is_no_descriptor() {
        assert_eq!(frame_number(&[0xc2, 0x12]), None);
        assert_eq!(around_frame_number(&[0xc2, 0x12]), None);
    }
}
