//! VP8 payload descriptor (RFC 7741 §4.2) and the head of a key frame (RFC 6386 §9.1).

use crate::seam::{PayloadInfo, PictureId, PictureInfo};

/// Marks the head of a key frame, behind the three bytes of the frame tag.
const START_CODE: [u8; 3] = [0x9d, 0x01, 0x2a];

/// ```text
///      0 1 2 3 4 5 6 7
///     |X|R|N|S|R| PID |
/// X:  |I|L|T|K| RSV   |
/// I:  |M| PictureID   |  M: 15 bits in two bytes
/// L:  |   TL0PICIDX   |
/// T/K:|TID|Y| KEYIDX  |
/// ```
pub(super) fn inspect(payload: &[u8]) -> PayloadInfo {
    descriptor(payload).unwrap_or_default()
}

fn descriptor(payload: &[u8]) -> Option<PayloadInfo> {
    let first = *payload.first()?;
    let begins_frame = first & 0x17 == 0x10;
    let mut at = 1u8;
    let mut byte = || {
        let byte = payload.get(usize::from(at)).copied();
        at += 1;
        Some((byte?, at - 1))
    };
    let mut picture = PictureInfo::default();
    if first & 0x80 != 0 {
        let (extended, _) = byte()?;
        if extended & 0x80 != 0 {
            let (high, at) = byte()?;
            let short = high & 0x80 == 0;
            let number = if short {
                high.into()
            } else {
                u16::from_be_bytes([high & 0x7f, byte()?.0])
            };
            picture.picture_id = Some(PictureId { number, at, short });
        }
        if extended & 0x40 != 0 {
            picture.tl0_pic_idx = Some(byte()?);
        }
        if extended & 0x30 != 0 {
            let (layers, _) = byte()?;
            picture.tid = if extended & 0x20 != 0 { layers >> 6 } else { 0 };
        }
    }
    let frame = payload.get(usize::from(at)..).unwrap_or_default();
    let starts_keyframe = begins_frame && frame.first().is_some_and(|tag| tag & 1 == 0);
    let size = if starts_keyframe { size(frame) } else { None };
    Some(PayloadInfo {
        starts_keyframe,
        size,
        picture,
        svc: None,
    })
}

/// Width and height without their two bits of scaling.
fn size(frame: &[u8]) -> Option<(u16, u16)> {
    let &[_, _, _, s0, s1, s2, w0, w1, h0, h1] = frame.first_chunk::<10>()?;
    let side = |low, high| u16::from_le_bytes([low, high]) & 0x3fff;
    ([s0, s1, s2] == START_CODE).then(|| (side(w0, w1), side(h0, h1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY_640X360: [u8; 10] = [0x50, 0x42, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01];

    #[test]
    fn a_key_frame_tells_its_numbers_and_size() {
        let payload = [&[0x90, 0xe0, 0x92, 0x34, 0x55, 0x40][..], &KEY_640X360].concat();
        let info = inspect(&payload);
        assert!(info.starts_keyframe);
        assert_eq!(info.size, Some((640, 360)));
        let long = PictureId {
            number: 0x1234,
            at: 2,
            short: false,
        };
        assert_eq!(info.picture.picture_id, Some(long));
        assert_eq!(info.picture.tl0_pic_idx, Some((0x55, 4)));
        assert_eq!(info.picture.tid, 1);
    }

    #[test]
    fn an_inter_frame_or_a_later_packet_does_not_start_a_key_frame() {
        let inter = [0x10, 0x51, 0, 0];
        assert!(!inspect(&inter).starts_keyframe);
        let second_packet = [&[0x00][..], &KEY_640X360].concat();
        assert!(!inspect(&second_packet).starts_keyframe);
        let second_partition = [&[0x11][..], &KEY_640X360].concat();
        assert!(!inspect(&second_partition).starts_keyframe);
    }

    #[test]
    fn a_short_picture_id_is_told_apart() {
        let info = inspect(&[0x90, 0xc0, 0x12, 0x55, 0x50]);
        assert!(info.starts_keyframe);
        let short = PictureId {
            number: 0x12,
            at: 2,
            short: true,
        };
        assert_eq!(info.picture.picture_id, Some(short));
        assert_eq!(info.picture.tl0_pic_idx, Some((0x55, 3)));
    }

    #[test]
    fn the_layer_byte_of_a_key_index_is_no_temporal_layer() {
        assert_eq!(inspect(&[0x90, 0x10, 0xc0, 0x51]).picture.tid, 0);
    }

    #[test]
    fn a_descriptor_that_is_cut_off_tells_nothing() {
        assert_eq!(inspect(&[0x90, 0xe0, 0x92]), PayloadInfo::default());
    }
}
